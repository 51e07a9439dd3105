import { act, renderHook } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";

import type { CameraView } from "../src/api/client";
import { noticeFor } from "../src/features/live-view/notice";
import { useLate } from "../src/stream/useLate";

afterEach(() => { vi.useRealTimers(); });

function camera(status: Partial<CameraView["status"]>, registered = true): CameraView {
  return {
    id: "C", name: "Gate", url: null, fps: 10, enabled: true, registered, viewers: 0,
    occupancy: { total: 0, occupied: 0, free: 0, unknown: 0 },
    status: { state: "live", error: null, input_fps: 10, output_fps: 10, reconnects: 0, last_frame_at: null, ...status },
  };
}

const NONE = { connection: "connected", hasPicture: false, isLate: false, isListKnown: true } as const;
const FRESH = { ...NONE, hasPicture: true };
const LATE = { ...FRESH, isLate: true };

test.each([
  ["a fresh picture", { ...FRESH, camera: camera({}) }, null],
  ["a fresh picture, though ingest was not heard of", { ...FRESH, camera: camera({ state: "unknown" }) }, null],
  ["nothing yet", { ...NONE, camera: camera({}) }, "Waiting for frames…"],
  ["before the list came", { ...NONE, camera: null, isListKnown: false }, "Waiting for frames…"],
  ["the gateway is away", { ...FRESH, connection: "reconnecting" as const, camera: camera({}) }, "Connection to the gateway lost"],
  ["stalled", { ...FRESH, camera: camera({ state: "stalled", error: "camera sent nothing for 10 s" }) }, "Camera stalled: camera sent nothing for 10 s."],
  ["refused", { ...NONE, camera: camera({ state: "error", error: "camera answered 401" }) }, "Camera not available: camera answered 401."],
  ["switched off", { ...NONE, camera: camera({ state: "disabled" }) }, "switched off"],
  ["connecting", { ...NONE, camera: camera({ state: "connecting" }) }, "Connecting to the camera…"],
  ["nobody's camera", { ...NONE, camera: null }, "not registered, and nobody broadcasts it"],
  ["nobody's camera, listed because it is watched", { ...NONE, camera: camera({}, false) }, "not registered, and nobody broadcasts it"],
  ["no detector", { ...LATE, camera: camera({ output_fps: null }) }, "no detector works on them"],
  ["an old worker that is silent", { ...LATE, camera: camera({ output_fps: null }, false) }, "No new picture; this one is old."],
  ["a late picture", { ...LATE, camera: camera({}) }, "No new picture; this one is old."],
])("what the page says: %s", (_, situation, text) => {
  if (text === null) {
    expect(noticeFor(situation)).toBeNull();
  } else {
    expect(noticeFor(situation)).toContain(text);
  }
});

test("a frame is late after five seconds, or after three of a slow camera's intervals", () => {
  vi.useFakeTimers();
  const { result, rerender } = renderHook(({ frame, fps }) => useLate(frame, fps), {
    initialProps: { frame: null as object | null, fps: 10 },
  });
  const pass = (ms: number) => { act(() => { vi.advanceTimersByTime(ms); }); };
  pass(60_000);
  expect(result.current).toBe(false);
  rerender({ frame: { number: 1 }, fps: 10 });
  pass(4999);
  expect(result.current).toBe(false);
  pass(1);
  expect(result.current).toBe(true);
  rerender({ frame: { number: 2 }, fps: 10 });
  expect(result.current).toBe(false);
  rerender({ frame: { number: 3 }, fps: 0.1 });
  pass(29_999);
  expect(result.current).toBe(false);
  pass(1);
  expect(result.current).toBe(true);
});
