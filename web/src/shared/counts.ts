import type { CameraView, SpaceState } from "../api/client";
import type { Metadata, Space } from "../stream/message";

export interface Counts {
  vehicles: number;
  occupied: number;
  total: number;
  available: number;
  unknown: number;
}

/** A space's state. An old worker knows no unknown spaces: there, what is not occupied is free. */
export function stateOf(space: Space): SpaceState {
  return space.state ?? (space.is_occupied ? "occupied" : "free");
}

/**
 * The counts of one frame.
 *
 * Ours come in fields of their own, or can be counted from the spaces' states: `occupied_spaces` is for the reference's
 * viewers and counts every space that is not known to be free. An old worker tells no more than that number.
 */
export function countsOf(metadata: Metadata): Counts {
  const spaces = metadata.space_occupancy ?? [];
  const vehicles = metadata.vehicle_count ?? 0;
  const total = metadata.total_spaces ?? spaces.length;
  const { free_spaces: free, taken_spaces: taken, unknown_spaces: unknown } = metadata;
  if (free !== undefined && taken !== undefined && unknown !== undefined) {
    return { vehicles, total, available: free, occupied: taken, unknown };
  }
  if (spaces.length > 0 && spaces.every((space) => space.state != null)) {
    const count = (state: SpaceState) => spaces.filter((space) => space.state === state).length;
    return { vehicles, total, available: count("free"), occupied: count("occupied"), unknown: count("unknown") };
  }
  const occupied = metadata.occupied_spaces ?? 0;
  return { vehicles, total, available: Math.max(0, total - occupied), occupied, unknown: 0 };
}

/** The metadata of a picture that is too old to say how the spaces are now: nobody knows it of any of them. */
export function asUnknown(metadata: Metadata): Metadata {
  const spaces = (metadata.space_occupancy ?? []).map((space) => ({ ...space, state: "unknown" as const }));
  const total = metadata.total_spaces ?? spaces.length;
  return {
    space_occupancy: spaces,
    total_spaces: total,
    free_spaces: 0,
    taken_spaces: 0,
    unknown_spaces: total,
  };
}

/** Whether every space is known to be taken. */
export function isFull({ total, available, unknown }: Pick<Counts, "total" | "available" | "unknown">): boolean {
  return total > 0 && available === 0 && unknown === 0;
}

/** A camera's counts as the list of cameras tells them. One that is switched off has nothing that is known. */
export function countsOfView({ occupancy, enabled, status }: CameraView): Omit<Counts, "vehicles"> & { isKnown: boolean } {
  const { total, occupied, free, unknown } = occupancy;
  const isOff = !enabled || status.state === "disabled";
  if (isOff || (total > 0 && unknown === total)) {
    return { total, available: 0, occupied: 0, unknown: total, isKnown: false };
  }
  return { total, available: free, occupied, unknown, isKnown: total > 0 };
}
