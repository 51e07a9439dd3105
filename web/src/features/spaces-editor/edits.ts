import type { ParkingSpace } from "../../api/client";
import type { Point } from "../../shared/geometry";
import { newNames, series } from "./names";
import { crossesItself } from "./problems";
import { between, clamped, halves, isQuad, shifted, stepAlong, type Quad } from "./shapes";

const ID_LENGTH = 10;
/** Digits that are kept of a coordinate: a hundredth of a pixel on the largest pictures. */
const ROUNDING = 1e6;

export interface Edited {
  spaces: ParkingSpace[];
  selected: string[];
}

/** An id for a new space; chosen at random, so that two editors do not choose the same. */
export function newId(): string {
  const random = crypto.getRandomValues(new Uint8Array(ID_LENGTH));
  return `s-${[...random].map((byte) => (byte % 36).toString(36)).join("")}`;
}

/** New spaces of these shapes; their names go on where the last one's series ends. */
export function added(spaces: ParkingSpace[], shapes: readonly (readonly Point[])[], model?: ParkingSpace): Edited {
  const names = newNames(spaces.map((space) => space.space_name), shapes.length);
  const made = shapes.map((polygon, index): ParkingSpace => ({
    ...model,
    space_id: newId(),
    space_name: names[index] ?? "",
    polygon: polygon.map(rounded),
  }));
  return { spaces: [...spaces, ...made], selected: made.map((space) => space.space_id) };
}

export function moved(spaces: ParkingSpace[], selected: readonly string[], dx: number, dy: number): ParkingSpace[] {
  // All move by the same, as far as the picture goes for every one of them.
  const chosen = spaces.filter((space) => selected.includes(space.space_id));
  const all = chosen.flatMap((space) => space.polygon);
  const first = all[0];
  const target = shifted(all, dx, dy)[0];
  if (first === undefined || target === undefined) return spaces;
  const [keptX, keptY] = [target[0] - first[0], target[1] - first[1]];
  return changed(spaces, selected, (space) => ({
    ...space, polygon: space.polygon.map(([x, y]) => rounded(clamped([x + keptX, y + keptY]))),
  }));
}

export function cornerMoved(spaces: ParkingSpace[], id: string, corner: number, to: Point): ParkingSpace[] {
  return changed(spaces, [id], (space) => ({
    ...space, polygon: space.polygon.map((point, index) => (index === corner ? rounded(clamped(to)) : point)),
  }));
}

/** The corner that is nearest to a point. Handles of a small space lie over each other, and the topmost need not be the one meant. */
export function nearestCorner(polygon: readonly Point[], [x, y]: Point, size: { width: number; height: number }): number {
  const distances = polygon.map((point) => Math.hypot((point[0] - x) * size.width, (point[1] - y) * size.height));
  return distances.indexOf(Math.min(...distances));
}

/** A corner moved to where it snaps; to where the pointer is if its space's edges would cross there. */
export function cornerSnapped(spaces: ParkingSpace[], { id, index }: { id: string; index: number }, pointer: Point, snap: Point): ParkingSpace[] {
  const next = cornerMoved(spaces, id, index, snap);
  const polygon = next.find((space) => space.space_id === id)?.polygon ?? [];
  return crossesItself(polygon) ? cornerMoved(spaces, id, index, pointer) : next;
}

export function removed(spaces: ParkingSpace[], selected: readonly string[]): Edited {
  return { spaces: spaces.filter((space) => !selected.includes(space.space_id)), selected: [] };
}

/** Copies that stand beside their originals, with the same thresholds. */
export function copied(spaces: ParkingSpace[], selected: readonly string[]): Edited {
  const originals = spaces.filter((space) => selected.includes(space.space_id));
  return originals.reduce<Edited>(
    (done, original) => {
      const [dx, dy] = stepAlong(original.polygon);
      const share = originals.length;
      const next = added(done.spaces, [shifted(original.polygon, dx * share, dy * share)], original);
      return { spaces: next.spaces, selected: [...done.selected, ...next.selected] };
    },
    { spaces, selected: [] },
  );
}

/** Two spaces in place of each one that is selected; the first keeps id and name. */
export function split(spaces: ParkingSpace[], selected: readonly string[]): Edited {
  let done: Edited = { spaces, selected: [] };
  for (const original of spaces.filter((space) => selected.includes(space.space_id))) {
    if (!isQuad(original.polygon)) continue;
    const [one, two] = halves(original.polygon);
    const kept = changed(done.spaces, [original.space_id], (space) => ({ ...space, polygon: one.map(rounded) }));
    const next = added(kept, [two], original);
    done = { spaces: next.spaces, selected: [...done.selected, original.space_id, ...next.selected] };
  }
  return done;
}

/** The two quads that are a row's ends; null if the selection is something else. */
export function rowEnds(spaces: readonly ParkingSpace[], selected: readonly string[]): [Quad, Quad] | null {
  const [first, last, ...more] = selected.map((id) => spaces.find((space) => space.space_id === id)?.polygon ?? []);
  return first !== undefined && last !== undefined && more.length === 0 && isQuad(first) && isQuad(last) ? [first, last] : null;
}

/**
 * The row between its two selected ends filled up to `count` spaces. They stand in the list, and are named, from the one
 * end to the other: A1 and A8 with six between them.
 */
export function rowFilled(spaces: ParkingSpace[], selected: readonly string[], count: number): Edited {
  const ends = rowEnds(spaces, selected);
  const [firstId, lastId] = selected;
  const [first, last] = [firstId, lastId].map((id) => spaces.find((space) => space.space_id === id));
  if (ends === null || first === undefined || last === undefined || count < 3) {
    return { spaces, selected: [...selected] };
  }
  const rest = spaces.filter((space) => space !== first && space !== last);
  const shapes = between(ends[0], ends[1], count);
  const names = series(first.space_name, count, new Set(rest.map((space) => space.space_name)));
  const row: ParkingSpace[] = [
    first,
    ...shapes.map((polygon): ParkingSpace => ({ ...first, space_id: newId(), polygon: polygon.map(rounded) })),
    last,
  ].map((space, index) => ({ ...space, space_name: names[index] ?? space.space_name }));
  const at = Math.min(spaces.indexOf(first), spaces.indexOf(last));
  return { spaces: [...rest.slice(0, at), ...row, ...rest.slice(at)], selected: row.map((space) => space.space_id) };
}

/** The selected spaces (all if none is) named in series, in the order of the list. */
export function renamed(spaces: ParkingSpace[], selected: readonly string[], first: string): ParkingSpace[] {
  const ids = selected.length > 0 ? spaces.filter((space) => selected.includes(space.space_id)).map((space) => space.space_id) : spaces.map((space) => space.space_id);
  const taken = new Set(spaces.filter((space) => !ids.includes(space.space_id)).map((space) => space.space_name));
  const names = series(first, ids.length, taken);
  return changed(spaces, ids, (space) => ({ ...space, space_name: names[ids.indexOf(space.space_id)] ?? space.space_name }));
}

export function changed(spaces: ParkingSpace[], ids: readonly string[], change: (space: ParkingSpace) => ParkingSpace): ParkingSpace[] {
  return spaces.map((space) => (ids.includes(space.space_id) ? change(space) : space));
}

/** The corner of another space that is near enough to be meant; the point itself if there is none. */
export function snapped(point: Point, spaces: readonly ParkingSpace[], except: string | null, reach: Point): Point {
  let best: Point = point;
  let nearest = 1;
  for (const space of spaces) {
    if (space.space_id === except) continue;
    for (const corner of space.polygon) {
      const distance = Math.hypot((corner[0] - point[0]) / reach[0], (corner[1] - point[1]) / reach[1]);
      if (distance < nearest) [nearest, best] = [distance, corner];
    }
  }
  return best;
}

function rounded([x, y]: Point): Point {
  return [Math.round(x * ROUNDING) / ROUNDING, Math.round(y * ROUNDING) / ROUNDING];
}
