/** No picture for this long is late, whatever the camera's rate. */
const LEAST_LATE_MS = 5000;
/** So many of the camera's own intervals may pass without a picture. */
const INTERVALS = 3;

/** From this age on a camera's picture is late: milliseconds. */
export function lateAfterMs(fps: number | null): number {
  return Math.max(LEAST_LATE_MS, (INTERVALS * 1000) / (fps ?? 1));
}
