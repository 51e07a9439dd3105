import { useEffect, useState } from "react";

export interface Polled<T> {
  value: T | null;
  /** What went wrong at the last try, as a sentence. */
  error: string | null;
}

/** Asks again and again while the page is open. After a failure the last value stays, with the error beside it. */
export function usePolled<T>(ask: (signal: AbortSignal) => Promise<T>, everyMs: number): Polled<T> {
  const [polled, setPolled] = useState<Polled<T>>({ value: null, error: null });
  useEffect(() => {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const step = async () => {
      try {
        const value = await ask(abort.signal);
        setPolled({ value, error: null });
      } catch (error) {
        if (abort.signal.aborted) {
          return;
        }
        const text = error instanceof Error ? error.message : String(error);
        setPolled((before) => ({ ...before, error: text }));
      }
      timer = setTimeout(() => void step(), everyMs);
    };
    void step();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [ask, everyMs]);
  return polled;
}
