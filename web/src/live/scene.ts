import type { Point } from "../shared/geometry";
import { stateAt, VEHICLE_CLASSES, type LiveFrame, type PictureKind, type SpacesMessage, type SpaceState } from "./messages";

export interface SceneSpace {
  id: string;
  name: string;
  /** Corners from 0 to 1 of the picture's width and height; none where an old worker told none. */
  polygon: readonly Point[];
  state: SpaceState;
}

export interface SceneVehicle {
  kind: (typeof VEHICLE_CLASSES)[number];
  confidence: number;
  /** In pixels of the frame. */
  x: number;
  y: number;
  width: number;
  height: number;
  trackId: number | null;
}

export interface Timings {
  /** Milliseconds since the epoch. */
  captured: number;
  read: number;
  detected: number;
  published: number;
}

/** What one frame says of a lot. */
export interface Scene {
  cameraId: string;
  /** The camera's count of frames. */
  n: number;
  /** Of the camera's own frame; empty for pictures that an old worker posted. */
  frameId: string;
  picture: PictureKind;
  /** Of the frame that the vehicles refer to; null: the picture's own. */
  size: { width: number; height: number } | null;
  spaces: SceneSpace[];
  counts: { available: number; occupied: number; unknown: number; total: number; vehicles: number };
  vehicles: SceneVehicle[];
  timings: Timings;
}

/** Reads a frame. `table` holds its spaces; null if they are not known, as where the frame was asked for differently. */
export function sceneOf(frame: LiveFrame, table: SpacesMessage | null): Scene {
  const [available, occupied, unknown] = frame.counts;
  const [width, height] = frame.size;
  const [captured = 0, read = 0, detected = 0, published = 0] = frame.timings;
  const spaces = table?.spaces ?? [];
  return {
    cameraId: frame.camera_id,
    n: frame.n,
    frameId: frame.frame_id,
    picture: frame.picture,
    size: width > 0 && height > 0 ? { width, height } : null,
    spaces: spaces.map(({ id, name, polygon }, index) => ({ id, name, polygon, state: stateAt(frame.states, index) })),
    counts: { available, occupied, unknown, total: available + occupied + unknown, vehicles: frame.vehicles.length },
    vehicles: frame.vehicles.map(([kind, confidence, x, y, w, h, trackId]) => (
      { kind: VEHICLE_CLASSES[kind] ?? "other", confidence, x, y, width: w, height: h, trackId }
    )),
    timings: { captured, read, detected, published },
  };
}

/** The scene of a picture that is too old to say how the lot is now: nobody knows the state of any space. */
export function asUnknown(scene: Scene): Scene {
  const { total } = scene.counts;
  return {
    ...scene,
    spaces: scene.spaces.map((space) => ({ ...space, state: "unknown" })),
    counts: { available: 0, occupied: 0, unknown: total, total, vehicles: 0 },
  };
}
