import type { ParkingSpace } from "../../api/client";

/** A space that both have changed, each in another way; null: deleted. */
export interface Conflict {
  spaceId: string;
  mine: ParkingSpace | null;
  theirs: ParkingSpace | null;
}

export interface Merge {
  conflicts: Conflict[];
  /** The spaces once it is chosen which side holds where both have changed one; theirs where nothing is chosen. */
  resolve(mineHolds: ReadonlySet<string>): ParkingSpace[];
}

/** Two people's changes of the same spaces, brought together space by space. */
export function mergeSpaces(base: readonly ParkingSpace[], mine: readonly ParkingSpace[], theirs: readonly ParkingSpace[]): Merge {
  const [bases, mines, their] = [base, mine, theirs].map((spaces) => new Map(spaces.map((space) => [space.space_id, space])));
  const ids = [...new Set([...theirs, ...mine].map((space) => space.space_id))];
  const conflicts: Conflict[] = [];
  const settled = new Map<string, ParkingSpace | null>();
  for (const id of ids) {
    const [b, m, t] = [bases, mines, their].map((spaces) => spaces?.get(id) ?? null) as [ParkingSpace | null, ParkingSpace | null, ParkingSpace | null];
    if (isSame(m, t) || isSame(b, t)) settled.set(id, m);
    else if (isSame(b, m)) settled.set(id, t);
    else conflicts.push({ spaceId: id, mine: m, theirs: t });
  }
  return {
    conflicts,
    resolve: (mineHolds) => {
      const chosen = new Map(settled);
      for (const { spaceId, mine: m, theirs: t } of conflicts) chosen.set(spaceId, mineHolds.has(spaceId) ? m : t);
      return ids.map((id) => chosen.get(id) ?? null).filter((space) => space !== null);
    },
  };
}

/** Whether two spaces say the same, in whichever order their fields stand. */
export function isSame(a: ParkingSpace | null, b: ParkingSpace | null): boolean {
  return a === b || (a !== null && b !== null && plain(a) === plain(b));
}

/** Whether two lists say the same. */
export function areSame(a: readonly ParkingSpace[], b: readonly ParkingSpace[]): boolean {
  return a.length === b.length && a.every((space, index) => isSame(space, b[index] ?? null));
}

function plain({ space_id, space_name, polygon, min_overlap, confidence, occupied_after_s, free_after_s }: ParkingSpace): string {
  return JSON.stringify([space_id, space_name, polygon, min_overlap ?? null, confidence ?? null, occupied_after_s ?? null, free_after_s ?? null]);
}
