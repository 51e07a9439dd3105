import { expect, test } from "vitest";

import { cornerSnapped } from "../src/features/spaces-editor/edits";
import { firstCounts, planned, planOf, rowCount } from "../src/features/spaces-editor/plan";
import { crossesItself } from "../src/features/spaces-editor/problems";
import { grid, type Quad } from "../src/features/spaces-editor/shapes";

const SQUARE: Quad = [[0.1, 0.1], [0.2, 0.1], [0.2, 0.2], [0.1, 0.2]];
const BLOCK: Quad = [[0.3, 0.2], [0.5, 0.25], [0.95, 0.9], [0.05, 0.8]];

test.each([3, 8, 10, 24])("a row knows how many spaces it has: %i", (count) => {
  const row = grid(BLOCK, count, 1);
  const [first, last] = [row[0], row.at(-1)];
  if (first === undefined || last === undefined) throw new Error("no row");
  expect(rowCount(first, last)).toBe(count);
  expect(rowCount(last, first)).toBe(count);
});

test("two spaces side by side are a row of two", () => {
  const beside: Quad = [[0.2, 0.1], [0.3, 0.1], [0.3, 0.2], [0.2, 0.2]];
  expect(rowCount(SQUARE, beside)).toBe(2);
  expect(planned({ kind: "row", first: SQUARE, last: beside }, { rows: 1, columns: 2 })).toEqual([SQUARE, beside]);
});

test("a block needs one outline, a row its two ends", () => {
  expect(planOf("grid", [BLOCK])).toEqual({ kind: "grid", block: BLOCK });
  expect(planOf("row", [SQUARE])).toBeNull();
  expect(planOf("row", [SQUARE, BLOCK])).toEqual({ kind: "row", first: SQUARE, last: BLOCK });
  expect(planOf("row", [])).toBeNull();
});

test("a plan gives as many spaces as are asked for, and none where that makes no sense", () => {
  const plan = { kind: "grid", block: BLOCK } as const;
  expect(planned(plan, firstCounts(plan))).toHaveLength(5);
  expect(planned(plan, { rows: 3, columns: 4 })).toHaveLength(12);
  for (const counts of [{ rows: 0, columns: 4 }, { rows: 1.5, columns: 4 }, { rows: 50, columns: 50 }]) expect(planned(plan, counts)).toEqual([]);
  expect(planned({ kind: "row", first: SQUARE, last: BLOCK }, { rows: 1, columns: 1 })).toEqual([]);
});

test("a corner does not snap to where its space's edges would cross", () => {
  const spaces = [{ space_id: "s", space_name: "A1", polygon: [...SQUARE] }];
  const [good] = cornerSnapped(spaces, { id: "s", index: 0 }, [0.11, 0.11], [0.12, 0.12]);
  expect(good?.polygon[0]).toEqual([0.12, 0.12]);
  const [kept] = cornerSnapped(spaces, { id: "s", index: 0 }, [0.18, 0.12], [0.21, 0.14]);
  expect(kept?.polygon[0]).toEqual([0.18, 0.12]);
  expect(crossesItself(kept?.polygon ?? [])).toBe(false);
});
