import { ActionIcon, Button } from "@mantine/core";
import { IconArrowBackUp, IconArrowForwardUp, IconColumns3, IconCopy, IconCut, IconGridDots, IconPointer, IconPolygon, IconTrash } from "@tabler/icons-react";
import type { Dispatch, ReactNode } from "react";

import { text } from "../../i18n";
import { copied, removed, split } from "./edits";
import type { Action, History } from "./history";

export type Tool = "select" | "draw" | "row" | "grid";

interface Props {
  tool: Tool;
  onTool: (tool: Tool) => void;
  history: History;
  dispatch: Dispatch<Action>;
}

/** What the pointer does, and what is done to the selection. */
export function Toolbar({ tool, onTool, history, dispatch }: Props) {
  const { spaces, selected, past, future } = history;
  const tools: [Tool, string, ReactNode][] = [
    ["select", text.editor.select, <IconPointer key="" size="1.1rem" aria-hidden />],
    ["draw", text.editor.draw, <IconPolygon key="" size="1.1rem" aria-hidden />],
    ["row", text.editor.row, <IconColumns3 key="" size="1.1rem" aria-hidden />],
    ["grid", text.editor.grid, <IconGridDots key="" size="1.1rem" aria-hidden />],
  ];
  const hasNone = selected.length === 0;
  const actions: [string, ReactNode, boolean, () => void][] = [
    [text.editor.undo, <IconArrowBackUp key="" size="1.2rem" aria-hidden />, past.length === 0, () => { dispatch({ type: "undo" }); }],
    [text.editor.redo, <IconArrowForwardUp key="" size="1.2rem" aria-hidden />, future.length === 0, () => { dispatch({ type: "redo" }); }],
    [text.editor.copy, <IconCopy key="" size="1.2rem" aria-hidden />, hasNone, () => { dispatch({ type: "change", ...copied(spaces, selected) }); }],
    [text.editor.split, <IconCut key="" size="1.2rem" aria-hidden />, hasNone, () => { dispatch({ type: "change", ...split(spaces, selected) }); }],
    [text.editor.deleteSelected, <IconTrash key="" size="1.2rem" aria-hidden />, hasNone, () => { dispatch({ type: "change", ...removed(spaces, selected) }); }],
  ];
  return (
    <div className="toolbar" role="toolbar" aria-label={text.editor.tools}>
      <div className="toolbar-group">
        {tools.map(([one, label, icon]) => (
          <Button key={one} size="xs" variant={one === tool ? "filled" : "default"} aria-pressed={one === tool} leftSection={icon} onClick={() => { onTool(one); }}>
            {label}
          </Button>
        ))}
      </div>
      <div className="toolbar-group">
        {actions.map(([label, icon, isOff, act]) => (
          <ActionIcon key={label} size="lg" variant="default" aria-label={label} title={label} disabled={isOff} onClick={act}>{icon}</ActionIcon>
        ))}
      </div>
    </div>
  );
}
