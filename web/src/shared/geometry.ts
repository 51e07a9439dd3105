/** A point on the picture, from 0 to 1 of its width and height. */
export type Point = [number, number];

/** Area by the shoelace formula; positive where the points run clockwise on screen. */
export function signedArea(points: readonly Point[]): number {
  return points.reduce((sum, [x1, y1], index) => {
    const [x2, y2] = points[(index + 1) % points.length] ?? [x1, y1];
    return sum + (x1 * y2 - x2 * y1) / 2;
  }, 0);
}

/** The centre of the area; the mean of the points where there is no area. */
export function centroid(points: readonly Point[]): Point {
  const area = signedArea(points);
  if (Math.abs(area) < 1e-12) {
    const sum = points.reduce<Point>(([x, y], [px, py]) => [x + px, y + py], [0, 0]);
    return [sum[0] / Math.max(1, points.length), sum[1] / Math.max(1, points.length)];
  }
  const sum = points.reduce<Point>(([x, y], [x1, y1], index) => {
    const [x2, y2] = points[(index + 1) % points.length] ?? [x1, y1];
    const cross = x1 * y2 - x2 * y1;
    return [x + (x1 + x2) * cross, y + (y1 + y2) * cross];
  }, [0, 0]);
  return [sum[0] / (6 * area), sum[1] / (6 * area)];
}

/** Whether a point lies inside a polygon: a ray from it crosses the edges an odd number of times. */
export function contains(points: readonly Point[], [x, y]: Point): boolean {
  return points.reduce((isInside, [x1, y1], index) => {
    const [x2, y2] = points[(index + 1) % points.length] ?? [x1, y1];
    return y1 > y !== y2 > y && x < x1 + ((y - y1) / (y2 - y1)) * (x2 - x1) ? !isInside : isInside;
  }, false);
}

/** A letter is about this wide for its height. */
const LETTER_WIDTH = 0.62;

/**
 * Height of a name that fits into the polygon, in the unit of its points; at most `most`.
 *
 * What counts is the width at one height: a slanted space is much narrower than the box round it.
 */
export function nameHeight(points: readonly Point[], name: string, most: number): number {
  const ys = points.map(([, y]) => y);
  const height = Math.max(...ys) - Math.min(...ys);
  const width = Math.abs(signedArea(points)) / Math.max(height, 1e-9);
  return Math.min(most, height * 0.4, (width * 0.72) / (LETTER_WIDTH * Math.max(2, name.length)));
}

/** About how wide a name of this height is. */
export function nameWidth(name: string, height: number): number {
  return LETTER_WIDTH * height * name.length;
}
