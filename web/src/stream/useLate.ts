import { useEffect, useState } from "react";

/** No picture for this long is late, whatever the camera's rate. */
const LEAST_MS = 5000;
/** So many of the camera's own intervals may pass without a picture. */
const INTERVALS = 3;

/** Whether the newest frame has been the newest for longer than it should be; false while there is none. */
export function useLate(frame: object | null, fps: number | null): boolean {
  const [lateFrame, setLateFrame] = useState<object | null>(null);
  const afterMs = Math.max(LEAST_MS, (INTERVALS * 1000) / (fps ?? 1));
  useEffect(() => {
    if (frame === null) {
      return;
    }
    const timer = setTimeout(() => { setLateFrame(frame); }, afterMs);
    return () => { clearTimeout(timer); };
  }, [frame, afterMs]);
  return frame !== null && lateFrame === frame;
}
