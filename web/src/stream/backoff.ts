/** The reference's viewers come back after this long, and so does our first try. */
export const FIRST_RETRY_MS = 3000;
/** With the jitter at its worst 13 s, so that all viewers are back within 15 s of their gateway, however long it was gone. */
export const LONGEST_RETRY_MS = 10_000;
/** Each wait is up to this share shorter or longer, so that viewers do not come back in lockstep. */
export const JITTER = 0.3;

/**
 * How long to wait before the next try to connect, in milliseconds.
 *
 * @param failures tries that failed since the last good connection: 0 for the first wait.
 * @param random from 0 to 1.
 */
export function retryDelayMs(failures: number, random: number): number {
  const base = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures, 10));
  return Math.round(base * (1 + JITTER * (2 * random - 1)));
}
