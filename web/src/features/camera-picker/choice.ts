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

export function wallFromUrl(search: string): boolean {
  return new URLSearchParams(search).has("wall");
}

/** The page's address in wall view or not: a screen on a wall starts with it. */
export function urlWithWall(href: string, wall: boolean): string {
  const url = new URL(href);
  if (wall) {
    url.searchParams.set("wall", "1");
  } else {
    url.searchParams.delete("wall");
  }
  return url.href;
}
