import { Button, Modal } from "@mantine/core";
import { useState } from "react";

import { text } from "../../i18n";
import type { Conflict } from "./useEditor";

interface Props {
  conflict: Conflict;
  isSaving: boolean;
  onResolve: (mineHolds: ReadonlySet<string>) => void;
  onClose: () => void;
}

/** Two people have changed the same spaces: shows where they disagree, and saves both together. */
export function ConflictDialog({ conflict: { merge }, isSaving, onResolve, onClose }: Props) {
  const [mine, setMine] = useState<ReadonlySet<string>>(() => new Set(merge.conflicts.map((one) => one.spaceId)));
  const choose = (id: string, isMine: boolean) => {
    setMine((before) => new Set(isMine ? [...before, id] : [...before].filter((one) => one !== id)));
  };
  return (
    <Modal opened onClose={onClose} title={text.editor.conflictTitle} closeButtonProps={{ "aria-label": text.common.close }} lockScroll={false} centered>
      <div className="form">
        <p>{merge.conflicts.length === 0 ? text.editor.conflictNone : text.editor.conflictText}</p>
        {merge.conflicts.map(({ spaceId, mine: m, theirs: t }) => (
          <fieldset key={spaceId} className="conflict">
            <legend>{m?.space_name ?? t?.space_name}</legend>
            {[true, false].map((isMine) => {
              const side = isMine ? m : t;
              return (
                <label key={String(isMine)}>
                  <input type="radio" name={spaceId} checked={mine.has(spaceId) === isMine} onChange={() => { choose(spaceId, isMine); }} />
                  {isMine ? text.editor.mine : text.editor.theirs}: {side === null ? text.editor.spaceDeleted : `${side.space_name}, ${text.editor.spaceChanged}`}
                </label>
              );
            })}
          </fieldset>
        ))}
        <div className="form-actions">
          <Button variant="default" onClick={onClose}>{text.common.cancel}</Button>
          <Button loading={isSaving} onClick={() => { onResolve(mine); }}>{text.editor.merge}</Button>
        </div>
      </div>
    </Modal>
  );
}
