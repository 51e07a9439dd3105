import { expect, test } from "vitest";

import type { ParkingSpace } from "../src/api/client";
import { added, copied, cornerMoved, moved, nearestCorner, removed, renamed, rowFilled, snapped, split } from "../src/features/spaces-editor/edits";
import { emptyHistory, reduce } from "../src/features/spaces-editor/history";
import { mergeSpaces } from "../src/features/spaces-editor/merge";
import { newNames, nextName, series } from "../src/features/spaces-editor/names";
import { draftsOf } from "../src/features/spaces-editor/proposals";
import { problemsOf, shapeProblem } from "../src/features/spaces-editor/problems";
import { between, grid, halves, onto, type Quad } from "../src/features/spaces-editor/shapes";
import { centroid, contains, nameHeight, signedArea, type Point } from "../src/shared/geometry";
import { WHOLE, withinStage, zoomedAt } from "../src/shared/zoom";

const SQUARE: Quad = [[0.1, 0.1], [0.2, 0.1], [0.2, 0.2], [0.1, 0.2]];

function space(id: string, name = id, polygon: Point[] = SQUARE): ParkingSpace {
  return { space_id: id, space_name: name, polygon };
}

test("the unit square's corners go to the quad's, and straight lines stay straight", () => {
  const quad: Quad = [[0.2, 0.1], [0.7, 0.15], [0.9, 0.8], [0.05, 0.7]];
  const at = onto(quad);
  [at(0, 0), at(1, 0), at(1, 1), at(0, 1)].forEach(([x, y], i) => {
    expect(x).toBeCloseTo(quad[i]?.[0] ?? 0, 9);
    expect(y).toBeCloseTo(quad[i]?.[1] ?? 0, 9);
  });
  expect(signedArea([at(0, 0.3), at(0.4, 0.3), at(1, 0.3)])).toBeCloseTo(0, 9);
});

test("a block is divided in perspective: what is farther is smaller", () => {
  const cells = grid([[0.4, 0.2], [0.6, 0.2], [0.9, 0.9], [0.1, 0.9]], 3, 4);
  expect(cells).toHaveLength(12);
  const area = (index: number) => signedArea(cells[index] ?? []);
  expect(area(0)).toBeLessThan(area(4));
  expect(area(4)).toBeLessThan(area(8));
  expect(cells.reduce((sum, cell) => sum + signedArea(cell), 0)).toBeCloseTo(signedArea([[0.4, 0.2], [0.6, 0.2], [0.9, 0.9], [0.1, 0.9]]));
});

test("the spaces between a row's ends stand where they stand on the ground", () => {
  // A row of eight on the ground, seen by a camera that looks along it.
  const row = grid([[0.1, 0.9], [0.6, 0.3], [0.7, 0.32], [0.4, 0.95]], 1, 8);
  const [first, last] = [row[0], row[7]];
  if (first === undefined || last === undefined) throw new Error("no row");
  const turned = [last[2], last[3], last[0], last[1]] as Quad; // whoever draws it may begin anywhere
  const filled = between(first, turned, 8);
  expect(filled).toHaveLength(6);
  filled.forEach((quad, index) => {
    const [x, y] = centroid(quad);
    const [tx, ty] = centroid(row[index + 1] ?? []);
    expect(Math.hypot(x - tx, y - ty)).toBeLessThan(0.004);
  });
});

test("a space is cut across its longer sides", () => {
  const [one, two] = halves([[0, 0], [0.4, 0], [0.4, 0.1], [0, 0.1]]);
  expect([centroid(one)[0], centroid(two)[0]].map((x) => x.toFixed(2))).toEqual(["0.10", "0.30"]);
});

test("names go on in series", () => {
  expect([nextName("A1"), nextName("A09"), nextName("Gate"), nextName("9")]).toEqual(["A2", "A10", "Gate2", "10"]);
  expect(series("A1", 3, new Set(["A2"]))).toEqual(["A1", "A3", "A4"]);
  expect([newNames([], 2), newNames(["B7", "B9"], 1)]).toEqual([["A1", "A2"], ["B10"]]);
});

test("renaming takes the selection in the order of the list; without one, all", () => {
  const spaces = [space("1", "x"), space("2", "y"), space("3", "C2")];
  expect(renamed(spaces, ["2", "1"], "C1").map((one) => one.space_name)).toEqual(["C1", "C3", "C2"]);
  expect(renamed(spaces, [], "A08").map((one) => one.space_name)).toEqual(["A08", "A09", "A10"]);
});

test("a row is filled, named and ordered from end to end", () => {
  const spaces = [space("z", "Z1"), space("a", "B1"), space("b", "B2", SQUARE.map(([x, y]): Point => [x + 0.7, y]))];
  const { spaces: filled, selected } = rowFilled(spaces, ["a", "b"], 5);
  expect(filled.map((one) => one.space_name)).toEqual(["Z1", "B1", "B2", "B3", "B4", "B5"]);
  expect(selected).toHaveLength(5);
  expect(filled.slice(1).map((one) => centroid(one.polygon)[0].toFixed(3))).toEqual(["0.150", "0.325", "0.500", "0.675", "0.850"]);
});

test("moving keeps the shape and stops at the picture's edge, for all together", () => {
  const far: Point[] = SQUARE.map(([x, y]): Point => [x + 0.7, y]);
  const [one, two] = moved([space("1"), space("2", "2", far)], ["1", "2"], 0.5, -0.05);
  expect(one?.polygon[0]).toEqual([0.2, 0.05]);
  expect(two?.polygon[1]).toEqual([1, 0.05]);
  expect(cornerMoved([space("1")], "1", 2, [1.4, -3])[0]?.polygon[2]).toEqual([1, 0]);
});

test("copies stand beside their originals with names and ids of their own", () => {
  const original = { ...space("1", "A1"), min_overlap: 0.4 };
  const { spaces, selected } = copied([original], ["1"]);
  expect(spaces[1]).toMatchObject({ space_name: "A2", min_overlap: 0.4 });
  expect(spaces[1]?.polygon[0]).toEqual([0.2, 0.1]);
  expect(selected).toEqual([spaces[1]?.space_id]);
  expect(new Set(spaces.map((one) => one.space_id)).size).toBe(2);
});

test("split, add and remove", () => {
  const parts = split([space("1", "A1")], ["1"]).spaces;
  expect(parts.map((one) => one.space_name)).toEqual(["A1", "A2"]);
  expect(removed(parts, ["1"]).spaces).toHaveLength(1);
  const made = added([], [SQUARE, SQUARE]);
  expect(made.spaces.every((one) => /^[A-Za-z0-9_.-]{1,64}$/.test(one.space_id))).toBe(true);
});

test("a point snaps to a near corner of another space, and to none of its own", () => {
  expect(snapped([0.205, 0.1], [space("1")], null, [0.01, 0.01])).toEqual([0.2, 0.1]);
  expect(snapped([0.205, 0.1], [space("1")], "1", [0.01, 0.01])).toEqual([0.205, 0.1]);
  expect(snapped([0.25, 0.1], [space("1")], null, [0.01, 0.01])).toEqual([0.25, 0.1]);
});

test.each<[string, Point[], ReturnType<typeof shapeProblem>]>([
  ["a square", SQUARE, null],
  ["drawn the other way round", [...SQUARE].reverse(), null],
  ["a bow tie", [[0.1, 0.1], [0.2, 0.2], [0.2, 0.1], [0.1, 0.2]], "crosses"],
  ["a speck", [[0.1, 0.1], [0.101, 0.1], [0.101, 0.101]], "small"],
  ["outside", [[0.9, 0.1], [1.1, 0.1], [1, 0.3]], "outside"],
])("what is wrong with a shape: %s", (_, polygon, problem) => {
  expect(shapeProblem(polygon)).toBe(problem);
});

test("names that stand twice, are empty or too long are told", () => {
  const words = problemsOf([space("1", "A1"), space("2", "A1 "), space("3", " "), space("4", "x".repeat(65))]).map((one) => one.words);
  expect(words).toHaveLength(4);
  expect(words[0]).toContain("used twice");
});

test("undo and redo; one drag is one step; the selection never names what is gone", () => {
  let state = emptyHistory([space("1")]);
  for (const dx of [0.01, 0.02, 0.03]) state = reduce(state, { type: "change", spaces: moved([space("1")], ["1"], dx, 0), key: "drag 1" });
  state = reduce(state, { type: "change", spaces: [...state.spaces, space("2")], selected: ["2"] });
  expect([state.past.length, state.selected]).toEqual([2, ["2"]]);
  state = reduce(state, { type: "undo" });
  expect([state.spaces.length, state.selected, state.spaces[0]?.polygon[0]]).toEqual([1, [], [0.13, 0.1]]);
  state = reduce(state, { type: "undo" });
  expect(state.spaces).toEqual([space("1")]);
  expect(reduce(state, { type: "undo" })).toBe(state);
  state = reduce(reduce(state, { type: "redo" }), { type: "redo" });
  expect(state.spaces).toHaveLength(2);
  expect(reduce(state, { type: "change", spaces: [] }).future).toEqual([]);
});

test("two people's changes fit together where they touch different spaces", () => {
  const base = [space("1"), space("2"), space("3"), space("4")];
  const mine = [space("1", "mine"), space("2"), space("3"), space("new")]; // 1 renamed, 4 deleted, one added
  const theirs = [space("1"), space("2", "theirs"), space("4"), space("other")]; // 2 renamed, 3 deleted, one added
  const merge = mergeSpaces(base, mine, theirs);
  expect(merge.conflicts).toEqual([]);
  expect(merge.resolve(new Set()).map((one) => one.space_name)).toEqual(["mine", "theirs", "other", "new"]);
});

test("where both changed the same space, one of them is chosen", () => {
  const merge = mergeSpaces([space("1"), space("2")], [space("1", "mine"), space("2", "kept")], [space("1", "theirs")]);
  expect(merge.conflicts.map((one) => one.spaceId)).toEqual(["1", "2"]);
  expect(merge.resolve(new Set(["1", "2"])).map((one) => one.space_name)).toEqual(["mine", "kept"]);
  expect(merge.resolve(new Set()).map((one) => one.space_name)).toEqual(["theirs"]);
  expect(mergeSpaces([space("1")], [{ ...space("1"), min_overlap: null }], [space("1")]).conflicts, "null is as if left out").toEqual([]);
});

test("a name fits into a slanted space", () => {
  const slanted: Point[] = [[0, 0], [40, 0], [100, 100], [60, 100]];
  expect(nameHeight(slanted, "A10", 1000)).toBeLessThan(20);
  expect(nameHeight(slanted, "A10", 5)).toBe(5);
});

test("zooming keeps the point under the pointer, and the picture on the stage", () => {
  const view = zoomedAt(WHOLE, 2, 300, 100, 400, 200);
  expect([(300 - view.x) / view.scale, (100 - view.y) / view.scale]).toEqual([300, 100]);
  expect(withinStage({ scale: 2, x: 50, y: -900 }, 400, 200)).toEqual({ scale: 2, x: 0, y: -200 });
  expect(zoomedAt(view, 0.01, 10, 10, 400, 200)).toEqual(WHOLE);
});

test("a point is inside a polygon or not, also beside a dent", () => {
  const dented: Point[] = [[0, 0], [1, 0], [1, 1], [0.5, 0.4], [0, 1]];
  expect([[0.5, 0.2], [0.1, 0.8], [0.5, 0.8], [1.1, 0.5], [-0.1, 0.5]].map((point) => contains(dented, point as Point))).toEqual([true, true, false, false, false]);
});

test("what is marked already or deleted is not proposed; the rest stands from top to bottom", () => {
  const quad = (x: number, y: number): Point[] => [[x, y], [x + 0.1, y], [x + 0.1, y + 0.1], [x, y + 0.1]];
  const proposals = [quad(0.6, 0.6), quad(0.1, 0.1), quad(0.3, 0.1), quad(0.3, 0.6)].map((polygon, index) => ({ polygon, confidence: 0.9 - index / 10 }));
  const drafts = draftsOf(proposals, [], new Set());
  expect(drafts.map((draft) => draft.confidence.toFixed(1))).toEqual(["0.8", "0.7", "0.6", "0.9"]);
  const marked = [space("1", "A1", quad(0.12, 0.11))];
  const deleted = new Set([drafts[3]?.key ?? ""]);
  expect(draftsOf(proposals, marked, deleted).map((draft) => draft.polygon[0])).toEqual([[0.3, 0.1], [0.3, 0.6]]);
});

test("where handles lie over each other, the corner is meant that is nearest", () => {
  const small = [[0.5898, 0.0833], [0.5993, 0.0587], [0.6597, 0.0727], [0.6524, 0.0984]] as [number, number][];
  const size = { width: 1280, height: 720 };
  small.forEach(([x, y], corner) => {
    expect(nearestCorner(small, [x + 0.002, y - 0.002], size)).toBe(corner);
  });
});
