import type { ParkingSpace, SpaceProposal } from "../../api/client";
import { centroid, contains, type Point } from "../../shared/geometry";

/** Lines into which the picture is divided. */
const LINES = 50;

/** A proposal that is neither accepted nor deleted yet. */
export interface DraftSpace {
  /** What tells it from the others; the same as long as its shape is. */
  key: string;
  polygon: Point[];
  /** How sure the detector is, 0..1. */
  confidence: number;
}

/** The proposals that are still to be decided on, from top to bottom and left to right, as people number spaces. */
export function draftsOf(proposals: readonly SpaceProposal[], spaces: readonly ParkingSpace[], deleted: ReadonlySet<string>): DraftSpace[] {
  return proposals
    .map(({ polygon, confidence }): DraftSpace => ({ key: JSON.stringify(polygon), polygon, confidence }))
    .filter((draft) => !deleted.has(draft.key) && !spaces.some((space) => isSameSpot(space.polygon, draft.polygon)))
    .map((draft) => ({ draft, at: centroid(draft.polygon) }))
    .sort((a, b) => line(a.at) - line(b.at) || a.at[0] - b.at[0])
    .map(({ draft }) => draft);
}

/** In which line of the picture a point lies: spaces a hair's breadth higher or lower stand in one row. */
function line([, y]: Point): number {
  return Math.round(y * LINES);
}

/** Whether two shapes are of one spot: the middle of either lies in the other. */
function isSameSpot(one: Point[], other: Point[]): boolean {
  return contains(one, centroid(other)) || contains(other, centroid(one));
}
