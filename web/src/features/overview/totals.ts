import type { CameraView } from "../../api/client";
import { countsOfView } from "../../shared/counts";

export interface Totals {
  free: number;
  total: number;
  /** Cameras with marked spaces of which nobody knows the state now. */
  notCounted: number;
}

/** Over all cameras; the spaces of a camera without a current count are in the total, and in no count of the free. */
export function totalsOf(cameras: CameraView[]): Totals {
  const counts = cameras.map(countsOfView);
  return {
    free: counts.reduce((sum, one) => sum + one.available, 0),
    total: counts.reduce((sum, one) => sum + one.total, 0),
    notCounted: counts.filter((one) => one.total > 0 && !one.isKnown).length,
  };
}
