import { useEffect, useState } from "react";

import { api } from "../api/client";

/** How often a tile's picture is asked for: the gateway keeps one a second for those who only look now and then. */
export const SNAPSHOT_EVERY_MS = 2000;

/**
 * A camera's newest picture, a new one every other second while `isShown` and the page is visible; null before the first.
 *
 * One picture is asked for at a time, so that a slow line gets fewer of them. The last one stays when none comes.
 */
export function useSnapshot(cameraId: string, isShown: boolean, kind: "annotated" | "plain" = "annotated"): string | null {
  const [shown, setShown] = useState<{ cameraId: string; url: string } | null>(null);

  useEffect(() => {
    if (!isShown) {
      return;
    }
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const step = async () => {
      if (document.visibilityState === "visible") {
        const picture = await fetchSnapshot(cameraId, kind, abort.signal);
        if (abort.signal.aborted) {
          return;
        }
        if (picture !== null) {
          setShown({ cameraId, url: URL.createObjectURL(picture) });
        }
      }
      timer = setTimeout(() => void step(), SNAPSHOT_EVERY_MS);
    };
    const atOnce = () => {
      if (document.visibilityState === "visible" && timer !== undefined) {
        clearTimeout(timer);
        timer = undefined;
        void step();
      }
    };
    void step();
    document.addEventListener("visibilitychange", atOnce);
    return () => {
      abort.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", atOnce);
    };
  }, [cameraId, isShown, kind]);

  const url = shown?.cameraId === cameraId ? shown.url : null;
  useEffect(() => () => { if (url !== null) URL.revokeObjectURL(url); }, [url]);
  return url;
}

/** The picture as a blob; null if there is none. */
async function fetchSnapshot(cameraId: string, kind: "annotated" | "plain", signal: AbortSignal): Promise<Blob | null> {
  try {
    const params = { path: { camera_id: cameraId }, query: { picture: kind } };
    const { response, data } = await api.GET("/api/cameras/{camera_id}/snapshot.jpg", { params, signal, parseAs: "blob" });
    return response.ok ? (data as unknown as Blob) : null;
  } catch {
    return null; // the list of cameras tells what is wrong
  }
}
