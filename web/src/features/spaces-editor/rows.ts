import { centroid, type Point } from "../../shared/geometry";
import { isQuad, type Quad } from "./shapes";

/** The next of a row is about one width away; nearer is the same space, farther is not the next. */
const NEXT_WIDTHS = { least: 0.5, most: 1.7 };
/** A row may run at an angle to its spaces: so much of their length ahead for each width. */
const SLANT_MAX = 0.65;
/** A row goes on behind a gap of this many spaces. */
const GAP_MAX = 4;
/** Lines into which the picture is divided: parts of rows a hair's breadth higher or lower stand in one. */
const LINES = 50;
/** How far beside a row's line its next part may lie, in steps of the row. */
const OFF_LINE_MAX = 0.5;

interface Stand {
  at: Point;
  /** To where the next one beside it would be. */
  across: Point;
  /** As long as it is. */
  along: Point;
}

/**
 * In which order people number spaces: row by row, each from its left end, or from its upper end where it runs down the
 * picture.
 *
 * @param quads whose first side is a front or a rear, as the detector proposes them.
 * @returns the quads' indices.
 */
export function readingOrder(quads: readonly (readonly Point[])[]): number[] {
  const stands = quads.map(standOf);
  const rows = joined(chains(stands), stands).map((row) => fromItsStart(row, stands));
  const down = rows.filter((row) => isDown(row, stands)).reduce((sum, row) => sum + row.length, 0);
  const axis = down * 2 > quads.length ? 0 : 1; // rows that run down the picture stand side by side
  const place = (row: readonly number[], of: number) => row.reduce((sum, one) => sum + (stands[one]?.at[of] ?? 0), 0) / row.length;
  const line = (row: readonly number[]) => Math.round(place(row, axis) * LINES);
  return rows.sort((a, b) => line(a) - line(b) || place(a, 1 - axis) - place(b, 1 - axis)).flat();
}

function standOf(points: readonly Point[]): Stand {
  const at = centroid(points);
  if (!isQuad(points)) return { at, across: [0, 0], along: [0, 0] };
  const [a, b, c, d]: Quad = points;
  return {
    at,
    across: [(b[0] - a[0] + c[0] - d[0]) / 2, (b[1] - a[1] + c[1] - d[1]) / 2],
    along: [(c[0] - b[0] + d[0] - a[0]) / 2, (c[1] - b[1] + d[1] - a[1]) / 2],
  };
}

/** The spaces as rows: each with the one next to it, where that has it for its own next one. */
function chains(stands: readonly Stand[]): number[][] {
  const beside = stands.map((_, index) => [1, -1].map((side) => nextBeside(stands, index, side)));
  const links = beside.map((both, index) => both.filter((other) => other !== null && beside[other]?.includes(index) === true) as number[]);
  const seen = new Set<number>();
  const walk = (start: number) => {
    const row: number[] = [];
    for (let one: number | undefined = start; one !== undefined; one = links[one]?.find((next) => !seen.has(next))) {
      seen.add(one);
      row.push(one);
    }
    return row;
  };
  const ends = stands.map((_, index) => index).sort((a, b) => (links[a]?.length ?? 0) - (links[b]?.length ?? 0));
  return ends.flatMap((end) => (seen.has(end) ? [] : [walk(end)]));
}

function nextBeside(stands: readonly Stand[], index: number, side: number): number | null {
  const stand = stands[index];
  let best: number | null = null;
  let nearest: number = NEXT_WIDTHS.most;
  stands.forEach((other, at) => {
    if (stand === undefined || at === index) return;
    const [widths, lengths] = inWidths(stand, [other.at[0] - stand.at[0], other.at[1] - stand.at[1]]);
    const far = widths * side;
    if (far >= NEXT_WIDTHS.least && far < nearest && Math.abs(lengths) <= SLANT_MAX * far) [best, nearest] = [at, far];
  });
  return best;
}

/** A way on the picture in widths and lengths of a space. */
function inWidths({ across, along }: Stand, [x, y]: Point): Point {
  const det = across[0] * along[1] - across[1] * along[0];
  if (Math.abs(det) < 1e-12) return [Number.POSITIVE_INFINITY, 0];
  return [(x * along[1] - y * along[0]) / det, (across[0] * y - across[1] * x) / det];
}

/** Parts of one row, put together across its gaps. */
function joined(parts: number[][], stands: readonly Stand[]): number[][] {
  const rows = [...parts].sort((a, b) => b.length - a.length);
  for (let first = 0; first < rows.length; first += 1) {
    for (let second = rows.length - 1; second > first; second -= 1) {
      const whole = goingOn(rows[first] ?? [], rows[second] ?? [], stands);
      if (whole !== null) {
        rows[first] = whole;
        rows.splice(second, 1);
        second = rows.length;
      }
    }
  }
  return rows;
}

/** Two parts as one row, if the second lies on the first one's line and not far from its end; null otherwise. */
function goingOn(row: readonly number[], other: readonly number[], stands: readonly Stand[]): number[] | null {
  for (const one of [row, [...row].reverse()]) {
    for (const next of [other, [...other].reverse()]) {
      const [before, last, start, end] = [one.at(-2), one.at(-1), next[0], next.at(-1)].map((index) => stands[index ?? -1]?.at);
      if (before === undefined || last === undefined || start === undefined || end === undefined) continue;
      const step: Point = [last[0] - before[0], last[1] - before[1]];
      const length = Math.hypot(...step);
      const inSteps = ([x, y]: Point): Point => [
        ((x - last[0]) * step[0] + (y - last[1]) * step[1]) / length ** 2,
        ((x - last[0]) * step[1] - (y - last[1]) * step[0]) / length ** 2,
      ];
      const [[near, off], [far, offEnd]] = [inSteps(start), inSteps(end)];
      if (near > 0 && near <= GAP_MAX && far >= near && Math.abs(off) <= OFF_LINE_MAX && Math.abs(offEnd) <= OFF_LINE_MAX * Math.max(1, far - near)) {
        return [...one, ...next];
      }
    }
  }
  return null;
}

function isDown(row: readonly number[], stands: readonly Stand[]): boolean {
  const [from, to] = [row[0], row.at(-1)].map((index) => stands[index ?? -1]?.at ?? [0, 0]) as [Point, Point];
  return Math.abs(to[1] - from[1]) > Math.abs(to[0] - from[0]);
}

function fromItsStart(row: number[], stands: readonly Stand[]): number[] {
  const axis = isDown(row, stands) ? 1 : 0;
  const at = (index: number | undefined) => stands[index ?? -1]?.at[axis] ?? 0;
  return at(row[0]) <= at(row.at(-1)) ? row : [...row].reverse();
}
