import { expect, test } from "vitest";

import { draftsOf } from "../src/features/spaces-editor/proposals";
import { readingOrder } from "../src/features/spaces-editor/rows";
import { grid, type Quad } from "../src/features/spaces-editor/shapes";
import type { Point } from "../src/shared/geometry";

/** A fixed shuffle: the detector proposes the surest first, wherever they stand. */
function shuffled<T>(all: readonly T[]): T[] {
  return all.map((one, index) => ({ one, at: (index * 7919) % 104729 % 97 })).sort((a, b) => a.at - b.at).map(({ one }) => one);
}

/** Whether the spaces come in this order, each from the same place in the list. */
function ordered(expected: readonly Quad[]): boolean {
  const given = shuffled(expected);
  return readingOrder(given).map((index) => given[index]).every((quad, index) => quad === expected[index]);
}

/** A cell as the detector draws a space: its front first. */
const upright = ([a, b, c, d]: Quad): Quad => [a, b, c, d];
const lying = ([a, b, c, d]: Quad): Quad => [b, c, d, a];

test("two rows across the picture are named from left to right, the upper one first", () => {
  expect(ordered(grid([[0.2, 0.3], [0.8, 0.35], [0.95, 0.9], [0.05, 0.8]], 2, 9).map(upright))).toBe(true);
});

test("rows that run down the picture are named from their upper ends, side by side", () => {
  const cells = grid([[0.2, 0.1], [0.5, 0.08], [0.9, 0.7], [0.3, 0.95]], 8, 2).map(lying);
  const columns = [0, 1].flatMap((column) => cells.filter((_, index) => index % 2 === column));
  expect(ordered(columns)).toBe(true);
});

test("a row at an angle to its spaces stays one row, beside another such row", () => {
  // Each space stands 0.045 to the left of the one below it, and is 0.1 long: two rows, one behind the other.
  const slanted = (x: number): Quad[] => Array.from({ length: 8 }, (_, row): Quad => {
    const [left, top] = [x + 0.045 * row, 0.1 + 0.1 * row];
    return [[left, top + 0.09], [left, top], [left + 0.1, top + 0.03], [left + 0.1, top + 0.12]];
  });
  expect(ordered([...slanted(0.1), ...slanted(0.21)])).toBe(true);
});

test("a row goes on behind a gap", () => {
  const [upper, lower] = [0, 1].map((row) => grid([[0.05, 0.2 + 0.3 * row], [0.95, 0.25 + 0.3 * row], [0.95, 0.4 + 0.3 * row], [0.05, 0.35 + 0.3 * row]], 1, 12));
  const row = (upper ?? []).filter((_, index) => index < 4 || index > 6);
  expect(ordered([...row, ...(lower ?? [])])).toBe(true);
});

test("what no row takes up is named all the same, and nothing twice", () => {
  const alone: Quad[] = [[[0.1, 0.1], [0.2, 0.1], [0.2, 0.2], [0.1, 0.2]], [[0.7, 0.8], [0.8, 0.8], [0.8, 0.95], [0.7, 0.95]]];
  expect(readingOrder(alone)).toEqual([0, 1]);
  expect(readingOrder([[[0.1, 0.1], [0.2, 0.1], [0.2, 0.2]] as Point[], ...alone]).sort()).toEqual([0, 1, 2]);
  expect(readingOrder([])).toEqual([]);
  expect(draftsOf([], [], new Set())).toEqual([]);
});
