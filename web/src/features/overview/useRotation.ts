import { useCallback, useEffect, useState } from "react";

import { useRemembered } from "../../shared/useRemembered";

export const TURN_EVERY_MS = 15_000;

export interface Rotation {
  page: number;
  isTurning: boolean;
  setTurning: (isTurning: boolean) => void;
  /** Goes on or back; the next turn comes a whole span later. */
  go: (by: 1 | -1) => void;
}

/** Pages of cameras that take turns, `always` or as this browser remembers it; arrow keys go on and back. */
export function useRotation(pages: number, always: boolean): Rotation {
  const [page, setPage] = useState(0);
  const [isWanted, setTurning] = useRemembered("rotation", true);
  const isTurning = always || isWanted;
  const shown = page % pages; // there may be fewer pages than a moment ago
  const go = useCallback((by: 1 | -1) => { setPage((before) => (before + by + pages) % pages); }, [pages]);

  useEffect(() => {
    if (pages < 2 || !isTurning) {
      return;
    }
    const timer = setTimeout(() => { go(1); }, TURN_EVERY_MS);
    return () => { clearTimeout(timer); };
  }, [pages, isTurning, shown, go]);

  useEffect(() => {
    if (pages < 2) {
      return;
    }
    const onKey = ({ key, target }: KeyboardEvent) => {
      if (target instanceof HTMLSelectElement || target instanceof HTMLInputElement) {
        return;
      }
      if (key === "ArrowRight") go(1);
      if (key === "ArrowLeft") go(-1);
    };
    window.addEventListener("keydown", onKey);
    return () => { window.removeEventListener("keydown", onKey); };
  }, [pages, go]);

  return { page: shown, isTurning, setTurning, go };
}
