import { encode } from "@msgpack/msgpack";
import { expect, test } from "vitest";

import { asUnknown, countsOf } from "../src/shared/counts";
import { readFrameMessage } from "../src/stream/message";
import { capturedAt } from "../src/stream/age";

function packed(value: unknown): ArrayBuffer {
  const bytes = encode(value);
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
}

const FRAME = { v: 1, type: "frame", camera_id: "CAM1", frame: new Uint8Array([255, 216]), frame_count: 7, timestamp: 2.5 };

test("a frame message is read", () => {
  const message = readFrameMessage(packed({ ...FRAME, metadata: { vehicle_count: 3 } }));
  expect(message).toMatchObject({ cameraId: "CAM1", frameCount: 7, publishedAt: 2500, metadata: { vehicle_count: 3 } });
  expect([...(message?.jpeg ?? [])]).toEqual([255, 216]);
});

test.each([["text", "keepalive"], ["another type", { type: "x" }], ["no picture", { type: "frame", frame: "text" }], ["nothing", null]])(
  "%s is let pass", (_, value) => {
    expect(readFrameMessage(packed(value))).toBeNull();
  },
);

test("broken bytes are let pass", () => {
  expect(readFrameMessage(new Uint8Array([0xc1]).buffer)).toBeNull();
  expect(readFrameMessage(new ArrayBuffer(0))).toBeNull();
});

test("an old worker's metadata may lack everything", () => {
  expect(countsOf({})).toEqual({ vehicles: 0, occupied: 0, total: 0, available: 0, unknown: 0 });
  const message = readFrameMessage(packed({ ...FRAME, metadata: {} }));
  expect(message && capturedAt(message)).toBe(2500);
});

test("fields of the wrong kind are left out: the gateway passes on whatever a worker posts", () => {
  const space = { space_id: "1", space_name: "A1", is_occupied: true, bbox: {} };
  const read = (metadata: unknown) => readFrameMessage(packed({ ...FRAME, metadata }))?.metadata;
  expect(read({ vehicle_count: "3", total_spaces: null, track_ids: 5, space_occupancy: "all", timestamp: 1, timings: { captured_at: 1 } })).toEqual({});
  expect(read({ track_ids: [42, null, "43", 42, 44], space_occupancy: [space, null, 7, {}, { ...space, state: "lost" }] })).toEqual({
    track_ids: [42, 44], space_occupancy: [space],
  });
  for (const metadata of [null, 7, "text", [1]]) expect(read(metadata)).toEqual({});
});

test("the time of capture comes from the timings, else from the timestamp", () => {
  const read = (metadata: unknown) => {
    const message = readFrameMessage(packed({ ...FRAME, metadata }));
    return message && capturedAt(message);
  };
  expect(read({ timings: { captured_at: 1234, read_at: 1235, detected_at: 1240, published_at: 1241 }, timestamp: "2026-01-01T00:00:00Z" })).toBe(1234);
  expect(read({ timestamp: "2026-01-01T00:00:00+01:00" })).toBe(Date.parse("2025-12-31T23:00:00Z"));
  expect(read({ timestamp: "nonsense" })).toBe(2500);
  expect(read({ timestamp: "2026-01-07T12:30:45.123456" }), "a wall clock in nobody knows which zone").toBe(2500);
});

const SPACE = { space_id: "A", space_name: "A", bbox: { x: 0, y: 0, width: 1, height: 1 } };
const STATES = [
  { ...SPACE, is_occupied: true, state: "occupied" as const },
  { ...SPACE, is_occupied: true, state: "unknown" as const },
  { ...SPACE, is_occupied: false, state: "free" as const },
  { ...SPACE, is_occupied: false, state: "free" as const },
];

test("our own counts are taken as they are: occupied_spaces counts the unknown too", () => {
  const read = readFrameMessage(packed({ ...FRAME, metadata: {
    total_spaces: 9, occupied_spaces: 7, free_spaces: 2, taken_spaces: 4, unknown_spaces: 3, space_occupancy: STATES,
  } }));
  expect(read && countsOf(read.metadata)).toMatchObject({ total: 9, available: 2, occupied: 4, unknown: 3 });
});

test("without them the spaces' states are counted", () => {
  expect(countsOf({ total_spaces: 4, occupied_spaces: 2, space_occupancy: STATES })).toMatchObject({ available: 2, occupied: 1, unknown: 1 });
  expect(countsOf({ space_occupancy: STATES })).toMatchObject({ total: 4, available: 2 });
});

test("an old worker tells total and occupied only", () => {
  const old = [{ ...SPACE, is_occupied: true }, { ...SPACE, is_occupied: false }];
  expect(countsOf({ total_spaces: 2, occupied_spaces: 1, space_occupancy: old })).toMatchObject({ available: 1, occupied: 1, unknown: 0 });
  expect(countsOf({ total_spaces: 2, occupied_spaces: 5 })).toMatchObject({ available: 0 });
});

test("of an outdated picture nobody knows any space, in headline and list alike", () => {
  const outdated = asUnknown({ total_spaces: 4, free_spaces: 2, taken_spaces: 1, unknown_spaces: 1, space_occupancy: STATES });
  expect(countsOf(outdated)).toMatchObject({ total: 4, available: 0, occupied: 0, unknown: 4 });
  expect(outdated.space_occupancy?.map((space) => space.state)).toEqual(["unknown", "unknown", "unknown", "unknown"]);
});
