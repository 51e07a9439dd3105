import { centroid, signedArea, type Point } from "../../shared/geometry";

export type Quad = [Point, Point, Point, Point];

export function isQuad(points: readonly Point[]): points is Quad {
  return points.length === 4;
}

/** The point kept on the picture. */
export function clamped([x, y]: Point): Point {
  return [Math.min(1, Math.max(0, x)), Math.min(1, Math.max(0, y))];
}

/** The polygon shifted, as far as the picture goes: its shape stays. */
export function shifted(points: readonly Point[], dx: number, dy: number): Point[] {
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const keptX = Math.min(1 - Math.max(...xs), Math.max(-Math.min(...xs), dx));
  const keptY = Math.min(1 - Math.max(...ys), Math.max(-Math.min(...ys), dy));
  return points.map(([x, y]): Point => clamped([x + keptX, y + keptY]));
}

/**
 * The projective map of the unit square onto a quad: (0,0), (1,0), (1,1), (0,1) go to its corners in order.
 *
 * After Heckbert, "Fundamentals of Texture Mapping and Image Warping" (1989), section 2.2.3.
 */
export function onto([p0, p1, p2, p3]: Quad): (u: number, v: number) => Point {
  const [sx, sy] = [p0[0] - p1[0] + p2[0] - p3[0], p0[1] - p1[1] + p2[1] - p3[1]];
  const [dx1, dy1] = [p1[0] - p2[0], p1[1] - p2[1]];
  const [dx2, dy2] = [p3[0] - p2[0], p3[1] - p2[1]];
  const det = dx1 * dy2 - dx2 * dy1;
  const [g, h] = Math.abs(det) < 1e-12 ? [0, 0] : [(sx * dy2 - dx2 * sy) / det, (dx1 * sy - sx * dy1) / det];
  const [a, b] = [p1[0] - p0[0] + g * p1[0], p3[0] - p0[0] + h * p3[0]];
  const [d, e] = [p1[1] - p0[1] + g * p1[1], p3[1] - p0[1] + h * p3[1]];
  return (u, v) => {
    const w = g * u + h * v + 1;
    return [(a * u + b * v + p0[0]) / w, (d * u + e * v + p0[1]) / w];
  };
}

/** A block divided in perspective into rows × columns spaces, row by row. */
export function grid(corners: Quad, rows: number, columns: number): Quad[] {
  const at = onto(corners);
  const cells: Quad[] = [];
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const [left, right, top, bottom] = [column / columns, (column + 1) / columns, row / rows, (row + 1) / rows];
      cells.push([at(left, top), at(right, top), at(right, bottom), at(left, bottom)]);
    }
  }
  return cells;
}

/**
 * The spaces of a row between its first and its last, without these two.
 *
 * They get smaller with the distance as the ends do: equal steps on the ground are not equal steps on the picture. How far
 * a space is from the camera is told by its area, which shrinks with the third power of the distance.
 */
export function between(first: Quad, last: Quad, count: number): Quad[] {
  const end = matched(first, last);
  const [from, to] = [first, end].map((quad) => 1 / Math.max(1e-6, Math.cbrt(Math.abs(signedArea(quad))))) as [number, number];
  return Array.from({ length: Math.max(0, count - 2) }, (_, index): Quad => {
    const t = (index + 1) / (count - 1);
    const [w1, w2] = [(1 - t) * from, t * to];
    const corner = (i: 0 | 1 | 2 | 3): Point => [
      (w1 * first[i][0] + w2 * end[i][0]) / (w1 + w2),
      (w1 * first[i][1] + w2 * end[i][1]) / (w1 + w2),
    ];
    return [corner(0), corner(1), corner(2), corner(3)];
  });
}

/** The second quad with its corners in the order of the first's, wherever its drawing began and whichever way it went. */
export function matched(first: Quad, second: Quad): Quad {
  const isSameWay = signedArea(first) * signedArea(second) >= 0;
  const points = isSameWay ? second : ([...second].reverse() as Quad);
  const orders = [0, 1, 2, 3].map((start) => [0, 1, 2, 3].map((i) => points[(start + i) % 4]) as Quad);
  const shape = centred(first);
  const difference = (order: Quad) =>
    centred(order).reduce((sum, [x, y], i) => sum + Math.hypot(x - (shape[i]?.[0] ?? 0), y - (shape[i]?.[1] ?? 0)), 0);
  return orders.reduce((best, order) => (difference(order) < difference(best) ? order : best));
}

/** The corners round their centre, for a quad of area 1. */
function centred(quad: Quad): Point[] {
  const [cx, cy] = centroid(quad);
  const scale = Math.sqrt(Math.abs(signedArea(quad))) || 1;
  return quad.map(([x, y]): Point => [(x - cx) / scale, (y - cy) / scale]);
}

/** A space cut into two, across its longer sides. */
export function halves(quad: Quad): [Quad, Quad] {
  const length = (a: Point, b: Point) => Math.hypot(b[0] - a[0], b[1] - a[1]);
  const isWide = length(quad[0], quad[1]) + length(quad[3], quad[2]) >= length(quad[1], quad[2]) + length(quad[0], quad[3]);
  const [one, two] = isWide ? grid(quad, 1, 2) : grid(quad, 2, 1);
  return [one ?? quad, two ?? quad];
}

/** How far a copy stands from its original to be its neighbour: the length of its first side. */
export function stepAlong(points: readonly Point[]): Point {
  if (!isQuad(points)) {
    const xs = points.map(([x]) => x);
    return [Math.max(...xs) - Math.min(...xs), 0];
  }
  const [a, b, c, d] = points;
  return [(b[0] - a[0] + c[0] - d[0]) / 2, (b[1] - a[1] + c[1] - d[1]) / 2];
}
