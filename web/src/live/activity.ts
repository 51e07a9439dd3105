/** A page that is hidden for this long is at rest. A shorter look at another tab changes nothing. */
export const HIDDEN_AFTER_MS = 2000;

/**
 * Tells when the page goes to rest and when it is looked at again.
 *
 * It rests two seconds after it was hidden, and at once when the browser freezes it or puts it away, since no timer runs
 * after that. It is awake again as soon as it is shown.
 */
export class PageActivity {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isResting = false;
  private readonly follow = () => {
    if (globalThis.document.visibilityState === "visible") {
      this.wake();
    } else {
      clearTimeout(this.timer);
      this.timer = setTimeout(this.rest, HIDDEN_AFTER_MS);
    }
  };
  private readonly rest = () => {
    clearTimeout(this.timer);
    if (!this.isResting) {
      this.isResting = true;
      this.onRest();
    }
  };
  private readonly wakeIfShown = () => {
    if (globalThis.document.visibilityState === "visible") {
      this.wake();
    }
  };

  /** `onWake` is called each time that the page is shown, also after a hiding that was too short for `onRest`. */
  constructor(private readonly onRest: () => void, private readonly onWake: () => void) {
    globalThis.document.addEventListener("visibilitychange", this.follow);
    globalThis.document.addEventListener("freeze", this.rest);
    globalThis.document.addEventListener("resume", this.wakeIfShown);
    globalThis.addEventListener("pagehide", this.rest);
    globalThis.addEventListener("pageshow", this.wakeIfShown);
  }

  /** Tells nothing any more. */
  close(): void {
    clearTimeout(this.timer);
    globalThis.document.removeEventListener("visibilitychange", this.follow);
    globalThis.document.removeEventListener("freeze", this.rest);
    globalThis.document.removeEventListener("resume", this.wakeIfShown);
    globalThis.removeEventListener("pagehide", this.rest);
    globalThis.removeEventListener("pageshow", this.wakeIfShown);
  }

  private wake(): void {
    clearTimeout(this.timer);
    this.isResting = false;
    this.onWake();
  }
}
