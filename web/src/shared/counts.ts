import type { CameraView } from "../api/client";

export interface Counts {
  available: number;
  occupied: number;
  unknown: number;
  total: number;
}

/** Whether every space is known to be taken. */
export function isFull({ total, available, unknown }: Pick<Counts, "total" | "available" | "unknown">): boolean {
  return total > 0 && available === 0 && unknown === 0;
}

/** A camera's counts as the list of cameras tells them. One that is switched off has nothing that is known. */
export function countsOfView({ occupancy, enabled, status }: CameraView): Counts & { isKnown: boolean } {
  const { total, occupied, free, unknown } = occupancy;
  const isOff = !enabled || status.state === "disabled";
  if (isOff || (total > 0 && unknown === total)) {
    return { total, available: 0, occupied: 0, unknown: total, isKnown: false };
  }
  return { total, available: free, occupied, unknown, isKnown: total > 0 };
}
