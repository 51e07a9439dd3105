import { useEffect, useState, useSyncExternalStore } from "react";

import { lateAfterMs } from "../shared/lateness";
import { serverClock } from "../shared/serverClock";
import { ageMs, type Dated } from "./age";

const TICK_MS = 1000;

export interface PictureAge {
  /** The picture is older than pictures of this camera should be; false while there is none. */
  isLate: boolean;
  /** How old it is, by its time of capture. */
  ageMs: number;
}

/**
 * The age of the newest frame by its time of capture, on the server's clock.
 *
 * It is known as soon as the frame is there, and looked at each second for as long as no newer one comes.
 */
export function usePictureAge(frame: Dated | null, fps: number | null): PictureAge {
  const offsetMs = useSyncExternalStore(serverClock.subscribe, () => serverClock.offsetMs);
  const [seen, setSeen] = useState<{ frame: Dated; offsetMs: number; ageMs: number } | null>(null);
  const limitMs = lateAfterMs(fps);
  useEffect(() => {
    if (frame === null) {
      return;
    }
    const ageNow = () => ageMs(frame, serverClock.now(), performance.now());
    const look = () => { if (document.visibilityState === "visible") setSeen({ frame, offsetMs, ageMs: ageNow() }); };
    let ticks: ReturnType<typeof setInterval> | undefined;
    const timer = setTimeout(() => {
      look();
      ticks = setInterval(look, TICK_MS);
    }, Math.max(0, limitMs - ageNow()));
    document.addEventListener("visibilitychange", look);
    return () => {
      document.removeEventListener("visibilitychange", look);
      clearTimeout(timer);
      clearInterval(ticks);
    };
  }, [frame, limitMs, offsetMs]);
  if (frame === null) {
    return { isLate: false, ageMs: 0 };
  }
  const isCurrent = seen?.frame === frame && seen.offsetMs === offsetMs;
  const age = isCurrent ? seen.ageMs : Math.max(0, frame.latencyMs);
  return { isLate: age >= limitMs, ageMs: age };
}
