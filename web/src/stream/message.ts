import { decode } from "@msgpack/msgpack";

import type { Schemas } from "../api/client";

/** A space as an old worker may post it: without polygon and state. */
export type Space = Omit<Schemas["SpaceOccupancy"], "polygon" | "state"> &
  Partial<Pick<Schemas["SpaceOccupancy"], "polygon" | "state">>;

/** Metadata as an old worker may post it: any field may be missing. Ours has them all. */
export type Metadata = Partial<Omit<Schemas["FrameMetadata"], "space_occupancy" | keyof OwnCounts>> &
  Partial<OwnCounts> & { space_occupancy?: Space[] };

/** Our own counts beside the reference's `occupied_spaces`, which counts the unknown as occupied. */
interface OwnCounts {
  free_spaces: number;
  taken_spaces: number;
  unknown_spaces: number;
}

const COUNTS = ["vehicle_count", "occupied_spaces", "total_spaces", "free_spaces", "taken_spaces", "unknown_spaces"] as const;

export interface FrameMessage {
  cameraId: string;
  jpeg: Uint8Array<ArrayBuffer>;
  metadata: Metadata;
  frameCount: number;
  /** Milliseconds since the epoch. */
  publishedAt: number;
}

/** Reads a binary viewer message; null if it is something else. */
export function readFrameMessage(data: ArrayBuffer): FrameMessage | null {
  let raw: unknown;
  try {
    raw = decode(data);
  } catch {
    return null;
  }
  if (!isRecord(raw) || raw["type"] !== "frame" || !(raw["frame"] instanceof Uint8Array)) {
    return null;
  }
  return {
    cameraId: String(raw["camera_id"]),
    jpeg: raw["frame"] as Uint8Array<ArrayBuffer>,
    metadata: readMetadata(raw["metadata"]),
    frameCount: Number(raw["frame_count"]),
    publishedAt: Number(raw["timestamp"]) * 1000,
  };
}

/**
 * What the page uses of the metadata. The gateway passes on what a worker posts, whatever it is, so a field of the wrong
 * kind is left out here rather than met by a component that cannot draw it.
 */
function readMetadata(raw: unknown): Metadata {
  const told = isRecord(raw) ? raw : {};
  const metadata: Metadata = {};
  for (const name of COUNTS) {
    const value = told[name];
    if (typeof value === "number" && Number.isFinite(value) && value >= 0) metadata[name] = value;
  }
  for (const name of ["timestamp", "frame_id"] as const) {
    const value = told[name];
    if (typeof value === "string") metadata[name] = value;
  }
  if (Array.isArray(told["track_ids"])) {
    metadata.track_ids = [...new Set(told["track_ids"].filter((id): id is number => typeof id === "number"))];
  }
  if (Array.isArray(told["space_occupancy"])) {
    metadata.space_occupancy = told["space_occupancy"].filter(isSpace);
  }
  if (isTimings(told["timings"])) {
    metadata.timings = told["timings"];
  }
  return metadata;
}

function isSpace(value: unknown): value is Space {
  return (
    isRecord(value) &&
    typeof value["space_id"] === "string" &&
    typeof value["space_name"] === "string" &&
    typeof value["is_occupied"] === "boolean" &&
    [undefined, null, "free", "occupied", "unknown"].includes(value["state"] as string | null | undefined)
  );
}

function isTimings(value: unknown): value is Schemas["Timings"] {
  return (
    isRecord(value) &&
    ["captured_at", "read_at", "detected_at", "published_at"].every((name) => Number.isFinite(value[name]))
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
