import { act, renderHook } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";

import type { CameraView } from "../src/api/client";
import { noticeFor } from "../src/features/camera/notice";
import { badgeFor } from "../src/features/camera/badge";
import { serverClock } from "../src/shared/serverClock";
import { usePictureAge } from "../src/stream/usePictureAge";

afterEach(() => { vi.useRealTimers(); });

function camera(status: Partial<CameraView["status"]>, registered = true): CameraView {
  return {
    id: "C", name: "Gate", url: null, fps: 10, enabled: true, registered, viewers: 0,
    occupancy: { total: 0, occupied: 0, free: 0, unknown: 0 },
    status: { state: "live", error: null, input_fps: 10, output_fps: 10, reconnects: 0, last_frame_at: null, ...status },
  };
}

const NONE = { connection: "connected", hasPicture: false, age: { isLate: false, ageMs: 0 }, isListKnown: true } as const;
const FRESH = { ...NONE, hasPicture: true };
const LATE = { ...FRESH, age: { isLate: true, ageMs: 26_400 } };

test.each([
  ["a fresh picture", { ...FRESH, camera: camera({}) }, null],
  ["a fresh picture, though ingest was not heard of", { ...FRESH, camera: camera({ state: "unknown" }) }, null],
  ["nothing yet", { ...NONE, camera: camera({}) }, "Waiting for pictures…"],
  ["before the list came", { ...NONE, camera: null, isListKnown: false }, "Waiting for pictures…"],
  ["the gateway is away", { ...FRESH, connection: "reconnecting" as const, camera: camera({}) }, "Connection to the gateway lost"],
  ["stalled", { ...FRESH, camera: camera({ state: "stalled", error: "camera sent nothing for 10 s" }) }, "Camera stalled: camera sent nothing for 10 s."],
  ["refused", { ...NONE, camera: camera({ state: "error", error: "camera answered 401" }) }, "Camera not available: camera answered 401."],
  ["stalled, with an old picture", { ...LATE, camera: camera({ state: "stalled" }) }, "Camera stalled. This picture is 26 s old."],
  ["switched off", { ...NONE, camera: camera({ state: "disabled" }) }, "switched off"],
  ["connecting", { ...NONE, camera: camera({ state: "connecting" }) }, "Connecting to the camera…"],
  ["nobody's camera", { ...NONE, camera: null }, "not registered, and nobody broadcasts it"],
  ["nobody's camera, listed because it is watched", { ...NONE, camera: camera({}, false) }, "not registered, and nobody broadcasts it"],
  ["nobody's camera, watched for a while", { ...NONE, camera: camera({ state: "stalled" }, false) }, "not registered, and nobody broadcasts it"],
  ["no detector", { ...LATE, camera: camera({ output_fps: null }) }, "no detector runs"],
  ["an old worker that is silent", { ...LATE, camera: camera({ output_fps: null }, false) }, "No new picture. This picture is 26 s old."],
  ["a late picture", { ...LATE, camera: camera({}) }, "No new picture. This picture is 26 s old."],
])("what the page says: %s", (_, situation, text) => {
  if (text === null) {
    expect(noticeFor(situation)).toBeNull();
  } else {
    expect(noticeFor(situation)).toContain(text);
  }
});

function frameOf(ageMs: number) {
  return { capturedAt: Date.now() - ageMs, shownAt: performance.now(), latencyMs: ageMs };
}

test("a frame is late five seconds after its capture, or after three of a slow camera's intervals", () => {
  vi.useFakeTimers();
  const { result, rerender } = renderHook(({ frame, fps }) => usePictureAge(frame, fps), {
    initialProps: { frame: null as ReturnType<typeof frameOf> | null, fps: 10 },
  });
  const pass = (ms: number) => { act(() => { vi.advanceTimersByTime(ms); }); };
  pass(60_000);
  expect(result.current.isLate).toBe(false);
  rerender({ frame: frameOf(1000), fps: 10 });
  pass(3999);
  expect(result.current.isLate).toBe(false);
  pass(1);
  expect(result.current).toEqual({ isLate: true, ageMs: 5000 });
  pass(21_000);
  expect(result.current).toEqual({ isLate: true, ageMs: 26_000 });
  rerender({ frame: frameOf(0), fps: 10 });
  expect(result.current.isLate).toBe(false);
  rerender({ frame: frameOf(0), fps: 0.1 });
  pass(29_999);
  expect(result.current.isLate).toBe(false);
  pass(1);
  expect(result.current.isLate).toBe(true);
});

test("an old picture is late from its first moment on a fresh page", () => {
  const { result } = renderHook(() => usePictureAge(frameOf(26_000), 10));
  expect(result.current).toEqual({ isLate: true, ageMs: 26_000 });
});

test("a picture dated in the future ages from when it was shown", () => {
  vi.useFakeTimers();
  const ahead = frameOf(-3_600_000);
  const { result } = renderHook(() => usePictureAge(ahead, 10));
  expect(result.current.isLate).toBe(false);
  act(() => { vi.advanceTimersByTime(5000); });
  expect(result.current).toEqual({ isLate: true, ageMs: 5000 });
});

test("when the server's clock becomes known, the age is judged anew", () => {
  vi.useFakeTimers({ now: 1_700_000_000_500 });
  const old = { capturedAt: Date.now() + 60_000, shownAt: performance.now(), latencyMs: -60_000 };
  const { result } = renderHook(() => usePictureAge(old, 10));
  expect(result.current.isLate).toBe(false);
  act(() => {
    serverClock.observe(new Date(Date.now() + 90_000).toUTCString(), Date.now() - 20, Date.now());
  });
  act(() => { vi.advanceTimersByTime(0); });
  expect(result.current.isLate).toBe(true);
});

test.each([
  ["connected", true, false, false, "Connected"],
  ["connected", false, false, false, "Waiting for a picture"],
  ["connected", true, true, false, "No new picture"],
  ["connected", true, false, true, "Switched off"],
  ["connecting", false, false, false, "Connecting"],
  ["reconnecting", true, false, false, "Reconnecting"],
  ["closed", false, false, false, "Disconnected"],
] as const)("the badge is about the picture: %s, picture %s, late %s, off %s", (connection, hasPicture, isLate, isSwitchedOff, text) => {
  expect(badgeFor({ connection, hasPicture, isLate, isSwitchedOff })[1]).toBe(text);
});
