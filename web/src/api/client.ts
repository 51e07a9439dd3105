import { problemOf, request, RequestError, sentence } from "./request";
import type { components } from "./schema.gen";

export type Schemas = components["schemas"];
export type CameraView = Schemas["CameraView"];
export type EventView = Schemas["EventView"];
export type Session = Schemas["Session"];
export type SpaceState = Schemas["SpaceView"]["state"];

/** Asks the gateway for JSON. Sends the viewer to log in where that is needed. */
async function getJson<T>(path: string, signal: AbortSignal): Promise<T> {
  const answer = await request(path, { signal, headers: { Accept: "application/json" } });
  if (answer.status === 401) {
    window.location.assign("/login");
  }
  if (!answer.ok) {
    throw await problemOf(answer);
  }
  return (await answer.json()) as T;
}

/** Who the viewer is to the gateway; needs no log-in. */
export async function fetchSession(signal: AbortSignal): Promise<Session> {
  return getJson<Session>("/api/session", signal);
}

/** What keeps the system from working, as a sentence; null if nothing does. */
export async function fetchSystemProblem(signal: AbortSignal): Promise<string | null> {
  const answer = await request("/readyz", { signal, headers: { Accept: "application/json" } });
  if (!answer.ok) {
    return (await problemOf(answer)).message;
  }
  const { detail } = (await answer.json()) as Schemas["Health"];
  return detail === "" ? null : sentence(detail);
}

export async function fetchCameras(signal: AbortSignal): Promise<CameraView[]> {
  return (await getJson<Schemas["CameraListing"]>("/api/cameras", signal)).cameras;
}

/** The newest changes; none for a camera that nobody has registered or broadcast yet. */
export async function fetchEvents(cameraId: string, limit: number, signal: AbortSignal): Promise<EventView[]> {
  const path = `/api/cameras/${encodeURIComponent(cameraId)}/events?limit=${limit}`;
  try {
    return (await getJson<Schemas["EventListing"]>(path, signal)).events;
  } catch (error) {
    if (error instanceof RequestError && error.status === 404) {
      return [];
    }
    throw error;
  }
}
