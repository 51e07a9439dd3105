import { ActionIcon } from "@mantine/core";
import { IconChevronLeft, IconChevronRight, IconPlayerPause, IconPlayerPlay } from "@tabler/icons-react";

import { text } from "../../i18n";
import type { Rotation } from "./useRotation";

interface Props {
  rotation: Rotation;
  pages: number;
  hasButtons: boolean;
}

/** Which of the pages of cameras is shown; back, halt, and on. */
export function Turns({ rotation: { page, isTurning, setTurning, go }, pages, hasButtons }: Props) {
  const { previous, next, halt, turn, pageOf } = text.overview;
  return (
    <div className="turns">
      {hasButtons && <ActionIcon variant="default" size="lg" aria-label={previous} onClick={() => { go(-1); }}><IconChevronLeft size="1.1rem" aria-hidden /></ActionIcon>}
      <span className="turns-page" data-testid="turn">{pageOf(page + 1, pages)}</span>
      {hasButtons && (
        <>
          <ActionIcon variant="default" size="lg" aria-label={next} onClick={() => { go(1); }}><IconChevronRight size="1.1rem" aria-hidden /></ActionIcon>
          <ActionIcon variant="default" size="lg" aria-label={isTurning ? halt : turn} onClick={() => { setTurning(!isTurning); }}>
            {isTurning ? <IconPlayerPause size="1.1rem" aria-hidden /> : <IconPlayerPlay size="1.1rem" aria-hidden />}
          </ActionIcon>
        </>
      )}
    </div>
  );
}
