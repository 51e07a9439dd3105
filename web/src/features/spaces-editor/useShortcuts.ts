import type { Dispatch, KeyboardEvent } from "react";

import { copied, moved, removed } from "./edits";
import type { Action, History } from "./history";

/** One press of an arrow key moves by this share of the picture; with Shift by ten times as much. */
const NUDGE = 0.001;
const ARROWS: Record<string, [number, number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

interface Shortcuts {
  history: History;
  dispatch: Dispatch<Action>;
  onSave: () => void;
}

/** The editor's keys; in a text field only those that save. */
export function useShortcuts({ history: { spaces, selected }, dispatch, onSave }: Shortcuts) {
  return (event: KeyboardEvent) => {
    const isCommand = event.ctrlKey || event.metaKey;
    const key = event.key.toLowerCase();
    if (isCommand && key === "s") {
      event.preventDefault();
      onSave();
      return;
    }
    if (event.target instanceof HTMLElement && event.target.closest("input, select, textarea, [role=dialog]") !== null) {
      return;
    }
    const arrow = ARROWS[event.key];
    if (isCommand && (key === "y" || (key === "z" && event.shiftKey))) dispatch({ type: "redo" });
    else if (isCommand && key === "z") dispatch({ type: "undo" });
    else if (isCommand && key === "a") dispatch({ type: "select", selected: spaces.map((space) => space.space_id) });
    else if (isCommand && key === "d" && selected.length > 0) dispatch({ type: "change", ...copied(spaces, selected) });
    else if ((key === "delete" || key === "backspace") && selected.length > 0) dispatch({ type: "change", ...removed(spaces, selected) });
    else if (arrow !== undefined && selected.length > 0 && !isCommand) {
      const step = NUDGE * (event.shiftKey ? 10 : 1);
      dispatch({ type: "change", spaces: moved(spaces, selected, arrow[0] * step, arrow[1] * step), key: `nudge ${selected.join()}` });
    } else return;
    event.preventDefault();
  };
}
