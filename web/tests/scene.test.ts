import { expect, test } from "vitest";

import { cornersOf } from "../src/features/camera/VehicleLayer";
import type { LiveFrame, SpacesMessage } from "../src/live/messages";
import { asUnknown, sceneOf } from "../src/live/scene";
import { TRAIL_MS, Trails } from "../src/live/trails";

const TABLE: SpacesMessage = {
  type: "spaces", camera_id: "A", version: "v1",
  spaces: [{ id: "1", name: "A1", polygon: [[0, 0], [1, 0], [1, 1]] }, { id: "2", name: "A2", polygon: [] }, { id: "3", name: "A3", polygon: [] }],
};

function frame(change: Partial<LiveFrame> = {}): LiveFrame {
  return {
    type: "frame", camera_id: "A", n: 7, frame_id: "5-0", picture: "plain", jpeg: null, size: [640, 360], spaces: "v1",
    states: new Uint8Array([0b100100]), vehicles: [[0, 0.9, 10, 20, 30, 40, 5], [9, 0.5, 0, 0, 8, 8, null]], counts: [1, 1, 1],
    timings: [1000, 1002, 1020, 1030], ...change,
  };
}

test("a frame and its spaces become a scene", () => {
  const scene = sceneOf(frame(), TABLE);
  expect(scene.spaces.map(({ name, state }) => `${name} ${state}`)).toEqual(["A1 free", "A2 occupied", "A3 unknown"]);
  expect(scene.counts).toEqual({ available: 1, occupied: 1, unknown: 1, total: 3, vehicles: 2 });
  expect(scene.vehicles).toEqual([
    { kind: "car", confidence: 0.9, x: 10, y: 20, width: 30, height: 40, trackId: 5 },
    { kind: "other", confidence: 0.5, x: 0, y: 0, width: 8, height: 8, trackId: null },
  ]);
  expect(scene.timings).toEqual({ captured: 1000, read: 1002, detected: 1020, published: 1030 });
  expect([scene.size, scene.frameId]).toEqual([{ width: 640, height: 360 }, "5-0"]);
});

test("a frame without its list of spaces still has its counts; an old worker's has no size", () => {
  const scene = sceneOf(frame({ size: [0, 0], frame_id: "" }), null);
  expect([scene.spaces, scene.counts.total, scene.size]).toEqual([[], 3, null]);
});

test("of an outdated picture nobody knows any space, in headline and list alike", () => {
  const outdated = asUnknown(sceneOf(frame(), TABLE));
  expect(outdated.counts).toEqual({ available: 0, occupied: 0, unknown: 3, total: 3, vehicles: 0 });
  expect(outdated.spaces.map(({ state }) => state)).toEqual(["unknown", "unknown", "unknown"]);
});

function seen(captured: number, x: number, trackId: number | null = 1) {
  const vehicle = { kind: "car" as const, confidence: 1, x, y: 100, width: 20, height: 20, trackId };
  return { vehicles: [vehicle], timings: { captured, read: 0, detected: 0, published: 0 } };
}

test("a vehicle that moves has a trail, one that stands and trembles has none", () => {
  const trails = new Trails();
  for (let step = 0; step < 5; step += 1) trails.add(seen(step * 100, step * 10));
  for (let step = 0; step < 5; step += 1) trails.add(seen(step * 100, 300 + (step % 2) * 3, 2));
  trails.add(seen(500, 0, null));
  expect([...trails.ways(640).keys()]).toEqual([1]);
  expect(trails.ways(640).get(1)).toEqual([[10, 117], [20, 117], [30, 117], [40, 117], [50, 117]]);
});

test("trails are short in time and in points, and end with their vehicle", () => {
  const trails = new Trails();
  for (let step = 0; step < 500; step += 1) trails.add(seen(step * 20, step));
  const way = trails.ways(640).get(1) ?? [];
  expect(way.length).toBeLessThanOrEqual(64);
  expect(way.at(-1)).toEqual([509, 117]);
  trails.add(seen(500 * 20 + TRAIL_MS, 0, 2));
  expect([...trails.ways(1).keys()]).not.toContain(1);
});

test("of a box only the corners are drawn", () => {
  expect(cornersOf({ x: 10, y: 20, width: 100, height: 50 })).toBe("M10 31V20H32M88 20H110V31M110 59V70H88M32 70H10V59");
});
