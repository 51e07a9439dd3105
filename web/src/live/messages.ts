import { decode } from "@msgpack/msgpack";

import type { Schemas } from "../api/client";

/** msgpack has byte strings where JSON Schema knows only strings. */
type WithBytes<T, Name extends keyof T> = Omit<T, Name> & { [Key in Name]: Uint8Array<ArrayBuffer> | Extract<T[Key], null> };

export type PictureKind = Schemas["FrameMessage"]["picture"];
export type HelloMessage = Schemas["HelloMessage"];
export type SpacesMessage = Schemas["SpacesMessage"];
export type LiveFrame = WithBytes<Schemas["FrameMessage"], "jpeg" | "states">;
export type StillMessage = Schemas["StillMessage"];
export type StatusMessage = Omit<Schemas["StatusMessage"], "status"> & { status: Schemas["CameraView"] };
export type ErrorMessage = Schemas["ErrorMessage"];
export type LiveMessage = HelloMessage | SpacesMessage | LiveFrame | StillMessage | StatusMessage | ErrorMessage;

export type SpaceState = "free" | "occupied" | "unknown";

const STATES: readonly SpaceState[] = ["free", "occupied", "unknown", "unknown"];
const KINDS: ReadonlySet<unknown> = new Set(["hello", "spaces", "frame", "still", "status", "error"]);

/** Width in pixels of a small picture; the same as in `libs/common/live_messages.py`. */
export const SMALL_WIDTH = 480;

/** Class names by the first number of a vehicle; the same list as in `libs/common/live_messages.py`. */
export const VEHICLE_CLASSES = ["car", "motorcycle", "bus", "truck", "other"] as const;

/** Reads a message of `/ws/viewer/live`; null if it is something else, such as one of a later version. */
export function readLiveMessage(data: ArrayBuffer): LiveMessage | null {
  try {
    const message: unknown = decode(data);
    const isOurs = typeof message === "object" && message !== null && "type" in message && KINDS.has(message.type);
    return isOurs ? (message as LiveMessage) : null;
  } catch {
    return null;
  }
}

/** The state of the space at an index of its list: two bits each, the first space in the lowest bits. */
export function stateAt(states: Uint8Array, index: number): SpaceState {
  const byte = states[index >> 2] ?? 0b10101010;
  return STATES[(byte >> ((index & 3) * 2)) & 3] ?? "unknown";
}
