import { queryOptions, type QueryClient } from "@tanstack/react-query";

import { api, contentOf, type CameraView, type EventView, type ParkingSpace, type Session, type SpaceProposals, type SpaceView, type SystemView } from "./client";
import { fromGateway, problemOf, RequestError } from "./request";

const CAMERAS_EVERY_MS = 3000;
const EVENTS_EVERY_MS = 3000;
const PROPOSALS_EVERY_MS = 5000;
const SYSTEM_EVERY_MS = 5000;
/** A kiosk that stands for years keeps its log-in: each look at the session begins its cookie anew. */
const SESSION_EVERY_MS = 86_400_000;

/** Who the viewer is to the gateway; needs no log-in. */
export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: ({ signal }): Promise<Session> => contentOf(api.GET("/api/session", { signal })),
  staleTime: 60_000,
  refetchInterval: SESSION_EVERY_MS,
});

/** All cameras with their state, kept up to date. */
export const camerasQuery = queryOptions({
  queryKey: ["cameras"],
  queryFn: async ({ signal }): Promise<CameraView[]> => (await contentOf(api.GET("/api/cameras", { signal }))).cameras,
  refetchInterval: CAMERAS_EVERY_MS,
});

/**
 * Puts what the live connection tells of cameras into their list, before it is asked for again.
 *
 * Only how a camera does is taken over. What it is called and whether it is on is told by the list alone: a status that
 * was read before a change may come after the list that has it. When the two know different versions, the list is
 * asked for again.
 */
export function withStatuses(queries: QueryClient, statuses: readonly { camera_id: string; status: CameraView }[]): void {
  const news = new Map(statuses.map(({ camera_id: id, status }) => [id, status]));
  const listed = queries.getQueryData(camerasQuery.queryKey) ?? [];
  queries.setQueryData(camerasQuery.queryKey, (cameras) => cameras?.map((before) => {
    const told = news.get(before.id);
    return told === undefined || told.version !== before.version
      ? before
      : { ...before, viewers: told.viewers, occupancy: told.occupancy, status: told.status };
  }));
  if (listed.some(({ id, version }) => news.has(id) && news.get(id)?.version !== version)) {
    void queries.invalidateQueries({ queryKey: camerasQuery.queryKey });
  }
}

/** What is wrong with the system, as a sentence: what it is and what to do; null if nothing is. */
export const systemProblemQuery = queryOptions({
  queryKey: ["system-problem"],
  queryFn: async ({ signal }): Promise<string | null> => {
    const { data, error, response } = await api.GET("/readyz", { signal });
    if (data === undefined) {
      return problemOf(response.status, error).message;
    }
    return data.detail === "" ? null : fromGateway(data.detail); // ready, and something is wrong all the same
  },
  refetchInterval: SYSTEM_EVERY_MS,
});

/** What runs, who holds which camera, and where pictures are lost; for admins. */
export const systemQuery = queryOptions({
  queryKey: ["system"],
  queryFn: ({ signal }): Promise<SystemView> => contentOf(api.GET("/api/system", { signal })),
  refetchInterval: SYSTEM_EVERY_MS,
});

/** The newest changes of a camera's spaces; none for a camera that nobody has registered or broadcast yet. */
export function eventsQuery(cameraId: string, limit: number) {
  return queryOptions({
    queryKey: ["events", cameraId, limit],
    queryFn: async ({ signal }): Promise<EventView[]> => {
      const params = { path: { camera_id: cameraId }, query: { limit } };
      try {
        return (await contentOf(api.GET("/api/cameras/{camera_id}/events", { params, signal }))).events;
      } catch (error) {
        if (error instanceof RequestError && error.status === 404) {
          return [];
        }
        throw error;
      }
    },
    refetchInterval: EVENTS_EVERY_MS,
  });
}

/** The state of each of a camera's spaces, and since when; none for a camera that nobody has registered. */
export function occupancyQuery(cameraId: string) {
  return queryOptions({
    queryKey: ["occupancy", cameraId],
    queryFn: async ({ signal }): Promise<SpaceView[]> => {
      const params = { path: { camera_id: cameraId } };
      return (await contentOf(api.GET("/api/cameras/{camera_id}/occupancy", { params, signal }))).spaces;
    },
    refetchInterval: EVENTS_EVERY_MS,
  });
}

/** A camera's spaces with the version that a change of them names. */
export interface VersionedSpaces {
  spaces: ParkingSpace[];
  /** The answer's ETag; null from a gateway that tells none. */
  version: string | null;
}

export async function fetchSpaces(cameraId: string, signal?: AbortSignal): Promise<VersionedSpaces> {
  const params = { path: { camera_id: cameraId } };
  const asked = api.GET("/api/cameras/{camera_id}/spaces", { params, ...(signal === undefined ? {} : { signal }) });
  const { spaces } = await contentOf(asked);
  return { spaces: spaces as ParkingSpace[], version: (await asked).response.headers.get("ETag") };
}

/** Spaces that the detector takes for probable, kept up to date while they are looked at. */
export function proposalsQuery(cameraId: string) {
  return queryOptions({
    queryKey: ["space-proposals", cameraId],
    queryFn: async ({ signal }) => {
      const params = { path: { camera_id: cameraId } };
      return (await contentOf(api.GET("/api/cameras/{camera_id}/space-proposals", { params, signal }))) as SpaceProposals;
    },
    refetchInterval: PROPOSALS_EVERY_MS,
    gcTime: 0,
  });
}

export function spacesQuery(cameraId: string) {
  return queryOptions({
    queryKey: ["spaces", cameraId],
    queryFn: ({ signal }) => fetchSpaces(cameraId, signal),
  });
}
