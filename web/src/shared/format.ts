/** A clock time in the viewer's own form: 14:03:27. */
export function clockTime(ms: number): string {
  return new Date(ms).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

/** Share in whole percent; 0 of 0 is 0. */
export function percent(part: number, whole: number): number {
  return whole > 0 ? Math.round((part / whole) * 100) : 0;
}

/** A time span in the largest unit that keeps it readable: an old worker's clock may be hours away. */
export function duration(ms: number): { value: string; unit: string } {
  const positive = Math.max(0, ms); // clocks of two machines are never quite the same
  if (positive < 9999.5) {
    return { value: positive.toFixed(0), unit: "ms" };
  }
  const seconds = positive / 1000;
  for (const [unit, inSeconds] of [["s", 1], ["min", 60], ["h", 3600]] as const) {
    if (seconds < 100 * inSeconds) {
      return { value: (seconds / inSeconds).toFixed(0), unit };
    }
  }
  return { value: (seconds / 86_400).toFixed(0), unit: "days" };
}

/** A time span in words and whole units: 26 s, 3 min, 2 h, 4 days. */
export function timeSpan(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} days`;
}
