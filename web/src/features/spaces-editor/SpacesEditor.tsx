import { Button, Switch } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useState } from "react";

import type { VersionedSpaces } from "../../api/queries";
import { text } from "../../i18n";
import { Alert } from "../../shared/ui/Alert";
import { PageHead } from "../../shared/ui/PageHead";
import { useSnapshot } from "../../stream/useSnapshot";
import { ConflictDialog } from "./ConflictDialog";
import { EditorCanvas } from "./EditorCanvas";
import "./editor.css";
import { added } from "./edits";
import { problemsOf } from "./problems";
import { ProposalsPanel } from "./ProposalsPanel";
import { SidePanel } from "./SidePanel";
import { Toolbar, type Tool } from "./Toolbar";
import { useEditor } from "./useEditor";
import { useProposals } from "./useProposals";
import { useShortcuts } from "./useShortcuts";

interface Props {
  cameraId: string;
  name: string;
  stored: VersionedSpaces;
}

/** Draws, moves and names spaces on the camera's picture. */
export function SpacesEditor({ cameraId, name, stored }: Props) {
  const editor = useEditor(cameraId, stored);
  const { history, dispatch } = editor;
  const [tool, setTool] = useState<Tool>(stored.spaces.length === 0 && history.spaces.length === 0 ? "draw" : "select");
  const [isHeld, setHeld] = useState(false);
  const [snaps, setSnaps] = useState(true);
  const picture = useSnapshot(cameraId, !isHeld, "plain");
  const proposals = useProposals(cameraId, history.spaces);
  const problems = problemsOf(history.spaces);
  const accept = (keys: readonly string[]) => {
    const chosen = proposals.drafts.filter((draft) => keys.includes(draft.key));
    const { spaces, selected } = added(history.spaces, chosen.map((draft) => draft.polygon));
    dispatch({ type: "change", spaces, selected: chosen.length === 1 ? selected : [] });
    setTool("select");
  };
  const canSave = editor.isDirty && problems.length === 0;
  const onKeyDown = useShortcuts({ history, dispatch, onSave: () => { if (canSave) void editor.save(); } });

  return (
    <div className="editor" onKeyDown={onKeyDown}>
      <PageHead title={text.editor.title(name)}>
        <Button variant="subtle" renderRoot={(props) => <Link to="/cameras/$cameraId" params={{ cameraId }} {...props} />}>{text.editor.back}</Button>
        <Button variant="default" disabled={!editor.isDirty} onClick={editor.discard}>{text.editor.discard}</Button>
        <Button disabled={!canSave} loading={editor.isSaving} onClick={() => void editor.save()}>{text.common.save}</Button>
      </PageHead>
      {editor.error !== null && <Alert>{editor.error.message} {text.editor.offline}</Alert>}
      {editor.isRestored && <p className="done" role="status">{text.editor.draftRestored}</p>}
      {editor.isSaved && <p className="done" role="status">{text.editor.saved}</p>}
      <div className="editor-body">
        <section className="card editor-stage" aria-label={text.editor.canvas}>
          <Toolbar tool={tool} onTool={setTool} history={history} dispatch={dispatch} />
          <EditorCanvas tool={tool} onTool={setTool} history={history} dispatch={dispatch} picture={picture} snaps={snaps} problems={problems} proposals={proposals} onAccept={(key) => { accept([key]); }} />
          <div className="editor-options">
            <Switch size="sm" label={text.editor.holdPicture} checked={isHeld} onChange={(event) => { setHeld(event.currentTarget.checked); }} />
            <Switch size="sm" label={text.editor.snap} checked={snaps} onChange={(event) => { setSnaps(event.currentTarget.checked); }} />
          </div>
        </section>
        <SidePanel history={history} dispatch={dispatch} problems={problems}>
          <ProposalsPanel proposals={proposals} onAccept={accept} />
        </SidePanel>
      </div>
      {editor.conflict !== null && (
        <ConflictDialog conflict={editor.conflict} isSaving={editor.isSaving} onResolve={(mine) => void editor.resolve(mine)} onClose={editor.postpone} />
      )}
    </div>
  );
}
