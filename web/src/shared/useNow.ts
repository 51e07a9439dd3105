import { useEffect, useState } from "react";

import { serverClock } from "./serverClock";

/** The server's time, each second anew while the page is visible. */
export function useNow(everyMs = 1000): number {
  const [now, setNow] = useState(() => serverClock.now());
  useEffect(() => {
    const look = () => { if (document.visibilityState === "visible") setNow(serverClock.now()); };
    const timer = setInterval(look, everyMs);
    document.addEventListener("visibilitychange", look);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", look);
    };
  }, [everyMs]);
  return now;
}
