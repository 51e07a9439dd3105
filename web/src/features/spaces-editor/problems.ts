import type { ParkingSpace } from "../../api/client";
import { text } from "../../i18n";
import { signedArea, type Point } from "../../shared/geometry";

/** Smaller spaces hold no vehicle that a detector could see: a share of the picture's area. */
const AREA_MIN = 1e-4;
const NAME_LENGTH_MAX = 64;

export interface Problem {
  spaceId: string;
  words: string;
}

/** What is wrong with these spaces; they can be saved only when nothing is. */
export function problemsOf(spaces: readonly ParkingSpace[]): Problem[] {
  const { crosses, small, outside, sameName, noName, longName } = text.editor.problems;
  const times = new Map<string, number>();
  for (const { space_name: name } of spaces) times.set(name.trim(), (times.get(name.trim()) ?? 0) + 1);
  return spaces.flatMap(({ space_id: spaceId, space_name: name, polygon }) => {
    const words: string[] = [];
    if (name.trim() === "") words.push(noName);
    else if ((times.get(name.trim()) ?? 0) > 1) words.push(sameName(name));
    if (name.trim().length > NAME_LENGTH_MAX) words.push(longName(name.slice(0, 20)));
    const shape = shapeProblem(polygon);
    if (shape !== null) words.push({ crosses, small, outside }[shape](name));
    return words.map((one) => ({ spaceId, words: one }));
  });
}

/** What is wrong with a polygon's shape; null if nothing is. */
export function shapeProblem(polygon: readonly Point[]): "crosses" | "small" | "outside" | null {
  if (polygon.some(([x, y]) => x < 0 || x > 1 || y < 0 || y > 1)) return "outside";
  if (crossesItself(polygon)) return "crosses";
  return Math.abs(signedArea(polygon)) < AREA_MIN ? "small" : null;
}

/** Whether two edges that are not neighbours meet. */
export function crossesItself(polygon: readonly Point[]): boolean {
  const edges = polygon.map((point, index): [Point, Point] => [point, polygon[(index + 1) % polygon.length] ?? point]);
  return edges.some(([a, b], i) =>
    edges.some(([c, d], j) => {
      const isNeighbour = j === i || (j + 1) % edges.length === i || (i + 1) % edges.length === j;
      return !isNeighbour && meet(a, b, c, d);
    }),
  );
}

function meet(a: Point, b: Point, c: Point, d: Point): boolean {
  const side = (p: Point, q: Point, r: Point) => Math.sign((q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]));
  return side(a, b, c) !== side(a, b, d) && side(c, d, a) !== side(c, d, b);
}
