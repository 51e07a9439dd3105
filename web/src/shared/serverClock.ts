/** `Date` headers are cut to whole seconds, and servers make them anew about once a second. */
const HEADER_AGE_MAX_MS = 2500;

/** What messages told is forgotten after one to two of these, because clocks drift. */
const PERIOD_MS = 300_000;
/** Changes of the offset that are smaller than this are kept to ourselves. */
const OFFSET_STEP_MS = 5;

/**
 * The server's clock, learned from the live connection, which tells it to the millisecond; before that from the `Date`
 * headers of the server's answers.
 *
 * A header is at most a little older than its answer. Each answer so bounds the offset between the two clocks, and the
 * bounds of several answers narrow each other. A browser whose own clock lies within the bounds is right as far as
 * anybody can tell, and keeps its own time. Otherwise the lower bound is taken: it comes close to the true offset within
 * a few answers, and until then makes ages too small by a second or two rather than too large.
 */
export class ServerClock {
  private least = Number.NEGATIVE_INFINITY;
  private most = Number.POSITIVE_INFINITY;
  private told: { offsetMs: number; recent: number; before: number; periodEndsAt: number } | null = null;
  private readonly listeners = new Set<() => void>();

  /** `localNow` is the browser's clock, in milliseconds since the epoch. */
  constructor(private readonly localNow: () => number = () => Date.now()) {}

  /** Learns from one answer; times in milliseconds of the browser's clock. A header that is no date is ignored. */
  observe(dateHeader: string | null, sentAt: number, receivedAt: number): void {
    const told = dateHeader === null ? Number.NaN : Date.parse(dateHeader);
    if (Number.isNaN(told) || receivedAt < sentAt) {
      return;
    }
    const before = this.offsetMs;
    const least = told - receivedAt;
    const most = told + HEADER_AGE_MAX_MS - sentAt;
    if (least > this.most || most < this.least) {
      [this.least, this.most] = [least, most]; // one of the two clocks was set: what was learned before is void
    } else {
      this.least = Math.max(this.least, least);
      this.most = Math.min(this.most, most);
    }
    if (this.offsetMs !== before) {
      this.notify();
    }
  }

  /**
   * Learns from a message that says when it was sent. It was on its way for a while, so the greatest offset of several
   * messages is the nearest to the truth.
   *
   * @param nowMs the server's clock when it was sent.
   * @param receivedAt the browser's clock when it came.
   * @param isFirst of a connection: nothing that was told before counts any more, since a clock may have been set.
   */
  learn(nowMs: number, receivedAt: number, isFirst = false): void {
    const offsetMs = nowMs - receivedAt;
    const none = Number.NEGATIVE_INFINITY;
    let told = isFirst ? null : this.told;
    told ??= { offsetMs: this.told?.offsetMs ?? none, recent: none, before: none, periodEndsAt: receivedAt + PERIOD_MS };
    if (receivedAt >= told.periodEndsAt) {
      told = { ...told, recent: none, before: told.recent, periodEndsAt: receivedAt + PERIOD_MS };
    }
    const recent = Math.max(told.recent, offsetMs);
    const best = Math.max(recent, told.before);
    const isNews = Math.abs(best - told.offsetMs) >= OFFSET_STEP_MS;
    this.told = { ...told, recent, offsetMs: isNews ? best : told.offsetMs };
    if (isNews) {
      this.notify();
    }
  }

  private notify(): void {
    for (const listener of this.listeners) listener();
  }

  /** Calls `listener` whenever the offset changes; the answer ends that. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => { this.listeners.delete(listener); };
  };

  /** What to add to the browser's clock to get the server's, in milliseconds. */
  get offsetMs(): number {
    if (this.told !== null) {
      return this.told.offsetMs;
    }
    if (this.least <= 0 && this.most >= 0) {
      return 0;
    }
    return this.least;
  }

  /** The server's time in milliseconds since the epoch; the browser's own until an answer has come. */
  now(): number {
    return this.localNow() + this.offsetMs;
  }
}

/** The clock of the gateway that served this page. */
export const serverClock = new ServerClock();
