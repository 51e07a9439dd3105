import type { CameraView } from "../../api/client";
import { countsOfView, type Counts } from "../../shared/counts";

export interface Totals extends Counts {
  /** Cameras with marked spaces of which nobody knows the state now. */
  notCounted: number;
}

/** Over all cameras; the spaces of a camera without a current count are in the total and among the unknown. */
export function totalsOf(cameras: CameraView[]): Totals {
  const counts = cameras.map(countsOfView);
  const sum = (name: keyof Counts) => counts.reduce((before, one) => before + one[name], 0);
  return {
    available: sum("available"),
    occupied: sum("occupied"),
    unknown: sum("unknown"),
    total: sum("total"),
    notCounted: counts.filter((one) => one.total > 0 && !one.isKnown).length,
  };
}
