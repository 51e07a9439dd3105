/**
 * Runs an asynchronous step on the newest item only: while one runs, the item that waits gives way to a newer one.
 * `skipped` counts those that gave way.
 */
export class NewestOnly<T> {
  skipped = 0;
  private waiting: T | undefined;
  private running = false;

  constructor(private readonly step: (item: T) => Promise<void>) {}

  offer(item: T): void {
    if (this.waiting !== undefined) {
      this.skipped += 1;
    }
    this.waiting = item;
    if (!this.running) {
      void this.run();
    }
  }

  private async run(): Promise<void> {
    this.running = true;
    while (this.waiting !== undefined) {
      const item = this.waiting;
      this.waiting = undefined;
      await this.step(item);
    }
    this.running = false;
  }
}
