import { decode } from "@msgpack/msgpack";

import type { Schemas } from "../api/client";

/** A space as an old worker may post it: without polygon and state. */
export type Space = Omit<Schemas["SpaceOccupancy"], "polygon" | "state"> &
  Partial<Pick<Schemas["SpaceOccupancy"], "polygon" | "state">>;

/** Metadata as an old worker may post it: any field may be missing. Ours has them all. */
export type Metadata = Partial<Omit<Schemas["FrameMetadata"], "space_occupancy">> & { space_occupancy?: Space[] };

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
  const message = raw as Record<string, unknown> | null;
  if (typeof message !== "object" || message?.["type"] !== "frame" || !(message["frame"] instanceof Uint8Array)) {
    return null;
  }
  return {
    cameraId: String(message["camera_id"]),
    jpeg: message["frame"] as Uint8Array<ArrayBuffer>,
    metadata: (message["metadata"] ?? {}),
    frameCount: Number(message["frame_count"]),
    publishedAt: Number(message["timestamp"]) * 1000,
  };
}
