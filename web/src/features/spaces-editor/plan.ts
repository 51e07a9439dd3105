import { centroid, type Point } from "../../shared/geometry";
import { between, grid, isQuad, matched, onto, type Quad } from "./shapes";

/** Several spaces that are being drawn at once: their outline stands, how many they are is still asked. */
export type Plan = { kind: "grid"; block: Quad } | { kind: "row"; first: Quad; last: Quad };

/** How many spaces a plan gives: a row has its columns only. */
export interface Counts {
  rows: number;
  columns: number;
}

export const PLANNED_MAX = 500;
const GRID_COUNTS: Counts = { rows: 1, columns: 5 };
const ROW_COUNT_MAX = 100;

/** The spaces of a plan; none where the counts are no whole numbers, too small or too large. */
export function planned(plan: Plan, { rows, columns }: Counts): Quad[] {
  const isRight = [rows, columns].every((count) => Number.isInteger(count) && count >= 1) && rows * columns <= PLANNED_MAX;
  if (!isRight || (plan.kind === "row" && columns < 2)) return [];
  return plan.kind === "grid" ? grid(plan.block, rows, columns) : [plan.first, ...between(plan.first, plan.last, columns), plan.last];
}

/** The counts to begin with: in a row as many spaces as fit between its ends side by side. */
export function firstCounts(plan: Plan): Counts {
  return plan.kind === "grid" ? GRID_COUNTS : { rows: 1, columns: rowCount(plan.first, plan.last) };
}

/**
 * How many spaces a row has, from the first to the last, if each begins where the one before it ends.
 *
 * In perspective: the two outer sides span the row, and where in it the first one ends and the last one begins tells how
 * many there are.
 */
export function rowCount(first: Quad, last: Quad): number {
  const end = matched(first, last);
  const [from, to] = [centroid(first), centroid(end)];
  const outer = sideTowards(first, from, [from[0] - to[0], from[1] - to[1]]);
  const corner = (quad: Quad, turn: number) => quad[(outer + turn) % 4] ?? quad[0];
  const at = onto([corner(first, 0), corner(first, 1), corner(end, 2), corner(end, 3)]);
  const share = (a: Point, b: Point) => shareAlong(at, [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2]);
  const [ends, begins] = [share(corner(first, 2), corner(first, 3)), share(corner(end, 0), corner(end, 1))];
  const spaces = 2 / Math.max(1e-6, ends + 1 - begins);
  return Math.min(ROW_COUNT_MAX, Math.max(2, Math.round(spaces)));
}

/** The side of a convex polygon through which one leaves it, from a point in it. */
function sideTowards(points: readonly Point[], at: Point, direction: Point): number {
  let [side, nearest] = [0, Number.POSITIVE_INFINITY];
  points.forEach((a, index) => {
    const b = points[(index + 1) % points.length] ?? a;
    const edge: Point = [b[0] - a[0], b[1] - a[1]];
    const across = direction[0] * edge[1] - direction[1] * edge[0];
    if (Math.abs(across) < 1e-12) return;
    const along = ((a[0] - at[0]) * edge[1] - (a[1] - at[1]) * edge[0]) / across;
    if (along > 0 && along < nearest) [side, nearest] = [index, along];
  });
  return side;
}

/** How far along a block a point lies: `v` of the line of the block through it, 0..1. */
function shareAlong(at: (u: number, v: number) => Point, [x, y]: Point): number {
  const sideOf = (v: number) => {
    const [a, b] = [at(0, v), at(1, v)];
    return (b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0]);
  };
  let [low, high] = [0, 1];
  const before = Math.sign(sideOf(0));
  for (let step = 0; step < 40; step += 1) {
    const middle = (low + high) / 2;
    if (Math.sign(sideOf(middle)) === before) low = middle;
    else high = middle;
  }
  return low;
}

/** The outlines that a tool has drawn so far, put together: a plan once there are enough of them. */
export function planOf(tool: "row" | "grid", quads: readonly Point[][]): Plan | null {
  const [first, last] = quads;
  if (first === undefined || !isQuad(first)) return null;
  if (tool === "grid") return { kind: "grid", block: first };
  return last !== undefined && isQuad(last) ? { kind: "row", first, last } : null;
}
