import createClient from "openapi-fetch";

import { problemOf, request } from "./request";
import type { components, paths } from "./schema.gen";

export type Schemas = components["schemas"];
export type CameraView = Schemas["CameraView"];
export type EventView = Schemas["EventView"];
export type SystemView = Schemas["SystemView"];
export type ProcessView = Schemas["ProcessView"];
export type CameraOwners = Schemas["CameraOwners"];
export type Session = Schemas["Session"];
export type SpaceState = Schemas["SpaceView"]["state"];
export type SpaceView = Schemas["SpaceView"];
/** In an answer every point is a pair too; the generator says so of requests only. */
export type ParkingSpace = Schemas["ParkingSpace"];
/** A space that seems to be there. */
export type SpaceProposal = Schemas["SpaceProposal"];
export type SpaceProposals = Schemas["SpaceProposals"];
export type ProbeResult = Schemas["ProbeResult"];
export type NewCamera = Schemas["NewCamera"];
export type CameraChange = Schemas["CameraChange"];

/** The gateway's API; every path, parameter, body and answer is typed by its OpenAPI. */
export const api = createClient<paths>({ baseUrl: globalThis.location.origin, fetch: (asked) => request(asked) });

/** An address of the log-in that leads back to this page. */
export function loginAddress({ pathname, search, hash }: Pick<Location, "pathname" | "search" | "hash">): string {
  const asked = pathname + search + hash;
  return asked === "/" ? "/login" : `/login?next=${encodeURIComponent(asked)}`;
}

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/**
 * The answer's content. Sends the viewer to log in where that is needed.
 *
 * @throws RequestError the answer has an error status.
 */
export async function contentOf<T>(asked: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await asked;
  if (response.status === 401) {
    window.location.assign(loginAddress(window.location));
  }
  if (!response.ok) {
    throw problemOf(response.status, error);
  }
  return data as T;
}
