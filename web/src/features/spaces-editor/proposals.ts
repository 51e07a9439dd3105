import type { ParkingSpace, SpaceProposal } from "../../api/client";
import { centroid, contains, type Point } from "../../shared/geometry";
import { readingOrder } from "./rows";

/** A proposal that is neither accepted nor deleted yet. */
export interface DraftSpace {
  /** What tells it from the others; the same as long as its shape is. */
  key: string;
  polygon: Point[];
  /** How sure the detector is, 0..1. */
  confidence: number;
}

/** The proposals that are still to be decided on, in the order in which people number spaces: row by row. */
export function draftsOf(proposals: readonly SpaceProposal[], spaces: readonly ParkingSpace[], deleted: ReadonlySet<string>): DraftSpace[] {
  const drafts = proposals
    .map(({ polygon, confidence }): DraftSpace => ({ key: JSON.stringify(polygon), polygon, confidence }))
    .filter((draft) => !deleted.has(draft.key) && !spaces.some((space) => isSameSpot(space.polygon, draft.polygon)));
  return readingOrder(drafts.map((draft) => draft.polygon)).flatMap((index) => drafts[index] ?? []);
}

/** Whether two shapes are of one spot: the middle of either lies in the other. */
function isSameSpot(one: Point[], other: Point[]): boolean {
  return contains(one, centroid(other)) || contains(other, centroid(one));
}
