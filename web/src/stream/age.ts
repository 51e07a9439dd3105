import type { FrameMessage } from "./message";

/** A time with its offset from UTC. Without one it is a worker's wall clock in a zone that nobody told us. */
const WITH_OFFSET = /(Z|[+-]\d\d:?\d\d)$/i;

/**
 * When the frame was captured, in milliseconds since the epoch, as well as its message tells.
 *
 * An old worker may tell no time, or one without a zone; there the time of publication stands in for it.
 */
export function capturedAt({ metadata: { timings, timestamp }, publishedAt }: FrameMessage): number {
  if (timings !== undefined) {
    return timings.captured_at;
  }
  const told = timestamp !== undefined && WITH_OFFSET.test(timestamp) ? Date.parse(timestamp) : Number.NaN;
  return Number.isNaN(told) ? publishedAt : told;
}

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
