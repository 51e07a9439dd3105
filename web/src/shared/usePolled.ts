import { useEffect, useState } from "react";

export interface Polled<T> {
  value: T | null;
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
        const value = await ask(AbortSignal.any([abort.signal, AbortSignal.timeout(10_000)]));
        setPolled({ value, error: null });
      } catch (error) {
        if (abort.signal.aborted) {
          return;
        }
        const text = error instanceof TypeError ? "the gateway cannot be reached" : (error as Error).message;
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
