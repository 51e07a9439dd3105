import type { Metadata } from "../../stream/message";

export interface Counts {
  vehicles: number;
  occupied: number;
  total: number;
  /** Neither occupied nor unknown. */
  available: number;
  unknown: number;
}

/** The counts of one frame. An old worker knows no unknown spaces: there, what is not occupied is available. */
export function countsOf(metadata: Metadata): Counts {
  const occupied = metadata.occupied_spaces ?? 0;
  const total = metadata.total_spaces ?? 0;
  const unknown = (metadata.space_occupancy ?? []).filter((space) => space.state === "unknown").length;
  return {
    vehicles: metadata.vehicle_count ?? 0,
    occupied,
    total,
    available: Math.max(0, total - occupied - unknown),
    unknown,
  };
}
