import { ActionIcon, Button } from "@mantine/core";
import { IconCheck, IconTrash } from "@tabler/icons-react";

import { text } from "../../i18n";
import { Alert } from "../../shared/ui/Alert";
import type { Proposals } from "./useProposals";

interface Props {
  proposals: Proposals;
  onAccept: (keys: readonly string[]) => void;
}

/** The spaces that the detector proposes: a list to accept from, or why there are none. */
export function ProposalsPanel({ proposals: { isOn, isLoading, error, drafts, hasAny, show, hide, remove, lit, light }, onAccept }: Props) {
  const words = text.editor.proposals;
  if (!isOn) {
    return <Button variant="default" onClick={show}>{words.show}</Button>;
  }
  return (
    <section className="form" aria-label={words.title}>
      <h2>{words.title}</h2>
      {error !== null && <Alert>{error.message}</Alert>}
      {drafts.length === 0 && error === null && (
        <p className="hint" role="status">{isLoading ? text.common.loading : hasAny ? words.allDone : words.none}</p>
      )}
      {drafts.length > 0 && (
        <>
          <p className="hint" role="status">{words.hint(drafts.length)}</p>
          <Button onClick={() => { onAccept(drafts.map((draft) => draft.key)); }}>{words.acceptAll(drafts.length)}</Button>
          <ul className="proposal-list">
            {drafts.map((draft, index) => (
              <li
                key={draft.key}
                className={draft.key === lit ? "proposal proposal-lit" : "proposal"}
                onPointerEnter={() => { light(draft.key); }}
                onPointerLeave={() => { light(null); }}
              >
                <span>{words.sure(index + 1, Math.round(draft.confidence * 100))}</span>
                <ActionIcon variant="default" aria-label={words.accept(index + 1)} title={words.accept(index + 1)} onClick={() => { onAccept([draft.key]); }}>
                  <IconCheck size="1.1rem" aria-hidden />
                </ActionIcon>
                <ActionIcon variant="default" aria-label={words.remove(index + 1)} title={words.remove(index + 1)} onClick={() => { remove(draft.key); }}>
                  <IconTrash size="1.1rem" aria-hidden />
                </ActionIcon>
              </li>
            ))}
          </ul>
        </>
      )}
      <Button variant="subtle" onClick={hide}>{words.hide}</Button>
    </section>
  );
}
