export interface Dated {
  /** When it was captured: milliseconds since the epoch on the server's clock. */
  capturedAt: number;
  /** When it was ready to be drawn, by `performance.now()`. */
  shownAt: number;
  /** How old it was then; below zero where the clock that dated it is ahead. */
  latencyMs: number;
}

/** How old a frame is. One from the future (a worker's clock that is ahead) ages from the moment it was shown. */
export function ageMs(frame: Dated, serverNow: number, monotonicNow: number): number {
  return Math.max(0, serverNow - frame.capturedAt, monotonicNow - frame.shownAt);
}
