import { api, contentOf, type CameraChange, type NewCamera, type ParkingSpace, type ProbeResult } from "./client";
import type { VersionedSpaces } from "./queries";
import { request } from "./request";

/** A probe takes up to 25 s; the rest is for its way here and back. */
const PROBE_DEADLINE_MS = 30_000;

/** Tries an address. With a camera's id, its stored password stands in for `***`. */
export function probeCamera(url: string, cameraId: string | null, signal: AbortSignal): Promise<ProbeResult> {
  const body = cameraId === null ? { url } : { url, camera_id: cameraId };
  return contentOf(api.POST("/api/cameras/probe", { body, signal, fetch: (asked) => request(asked, PROBE_DEADLINE_MS) }));
}

export function addCamera(camera: NewCamera) {
  return contentOf(api.POST("/api/cameras", { body: camera }));
}

export function changeCamera(cameraId: string, change: CameraChange) {
  return contentOf(api.PUT("/api/cameras/{camera_id}", { params: { path: { camera_id: cameraId } }, body: change }));
}

export function deleteCamera(cameraId: string) {
  return contentOf(api.DELETE("/api/cameras/{camera_id}", { params: { path: { camera_id: cameraId } } }));
}

/**
 * Replaces a camera's spaces.
 *
 * @param version what the change is based on; null replaces whatever there is.
 * @throws RequestError with status 412 if somebody has changed the spaces since that version.
 */
export async function saveSpaces(cameraId: string, spaces: ParkingSpace[], version: string | null): Promise<VersionedSpaces> {
  const asked = api.PUT("/api/cameras/{camera_id}/spaces", {
    params: { path: { camera_id: cameraId } },
    body: { spaces },
    ...(version === null ? {} : { headers: { "If-Match": version } }),
  });
  const saved = await contentOf(asked);
  return { spaces: saved.spaces as ParkingSpace[], version: (await asked).response.headers.get("ETag") };
}
