import type { CameraView } from "../../api/client";

/** The camera to show when the viewer has not chosen: the first that is live, else the first. */
export function defaultCamera(cameras: CameraView[]): string | null {
  return (cameras.find((camera) => camera.status.state === "live") ?? cameras[0])?.id ?? null;
}

export function cameraFromUrl(search: string): string | null {
  return new URLSearchParams(search).get("camera") || null;
}

/** The page's address with the camera in it, so that it can be bookmarked and shared. */
export function urlWithCamera(href: string, cameraId: string): string {
  const url = new URL(href);
  url.searchParams.set("camera", cameraId);
  return url.href;
}
