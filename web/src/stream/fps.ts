/** Frames a second over the last few seconds. */
export class FpsMeter {
  private times: number[] = [];

  constructor(private readonly windowMs = 3000) {}

  tick(nowMs: number): number {
    this.times.push(nowMs);
    this.times = this.times.filter((time) => nowMs - time <= this.windowMs);
    const first = this.times[0] ?? nowMs;
    const elapsedMs = nowMs - first;
    return elapsedMs > 0 ? ((this.times.length - 1) * 1000) / elapsedMs : 0;
  }
}
