import { act, cleanup, render, screen, within } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";

import { LogOut } from "../src/app/LogOut";
import { NoCameras } from "../src/app/NoCameras";
import type { CameraView } from "../src/api/client";
import { CameraPicker } from "../src/features/camera-picker/CameraPicker";
import { LiveView } from "../src/features/live-view/LiveView";
import { StreamFacts } from "../src/features/live-view/StreamFacts";
import { Statistics } from "../src/features/statistics/Statistics";
import type { Metadata } from "../src/stream/message";
import type { ShownFrame } from "../src/stream/useStream";

afterEach(() => { cleanup(); });

function frame(metadata: Metadata): ShownFrame {
  const picture = { width: 4, height: 2, close: vi.fn() } as unknown as ImageBitmap;
  return { message: { cameraId: "C", jpeg: new Uint8Array(), metadata, frameCount: 41, publishedAt: 1030 }, picture, fps: 9.96, capturedAt: 1000, shownAt: 0, latencyMs: 42.4 };
}

function camera(state: CameraView["status"]["state"], error: string | null = null): CameraView {
  return {
    id: "C", name: "Gate", url: null, fps: 10, enabled: true, registered: true, viewers: 2,
    occupancy: { total: 0, occupied: 0, free: 0, unknown: 0 },
    status: { state, error, input_fps: null, output_fps: null, reconnects: 0, last_frame_at: null },
  };
}

const number = (id: string) => screen.getByTestId(id).textContent;

test("the numbers of a frame are shown", () => {
  const space = { bbox: { x: 0, y: 0, width: 1, height: 1 }, is_occupied: false };
  render(<Statistics frame={frame({
    vehicle_count: 3, occupied_spaces: 1, total_spaces: 3, track_ids: [42, 43],
    space_occupancy: [
      { ...space, space_id: "1", space_name: "A1", is_occupied: true, state: "occupied" },
      { ...space, space_id: "2", space_name: "A2", state: "free" },
      { ...space, space_id: "3", space_name: "A3", state: "unknown" },
    ],
  })} isOutdated={false} />);
  expect([number("vehicle-count"), number("occupied-count"), number("total-count"), number("available-count"), number("unknown-count")])
    .toEqual(["3", "1", "3", "1", "1"]);
  expect(number("occupancy-percent")).toBe("33");
  expect(number("track-ids")).toBe("#42#43");
  expect(within(screen.getByRole("list", { name: "Spaces" })).getAllByRole("listitem").map((item) => item.textContent))
    .toEqual(["A1: occupied", "A2: free", "A3: unknown"]);
});

test("an outdated picture leaves no space free, in headline and list alike", () => {
  const space = { space_id: "1", space_name: "A1", bbox: { x: 0, y: 0, width: 1, height: 1 }, is_occupied: false, state: "free" as const };
  render(<Statistics frame={frame({ vehicle_count: 3, total_spaces: 1, free_spaces: 1, taken_spaces: 0, unknown_spaces: 0, space_occupancy: [space] })} isOutdated />);
  expect([number("available-count"), number("occupied-count"), number("unknown-count"), number("vehicle-count")]).toEqual(["–", "–", "1", "–"]);
  expect(screen.getByRole("listitem").textContent).toBe("A1: unknown");
});

test("an old worker's frame without metadata is shown too", () => {
  render(<Statistics frame={frame({})} isOutdated={false} />);
  expect(number("vehicle-count")).toBe("0");
  expect(number("track-ids")).toBe("none");
});

test("before the first frame there are no numbers", () => {
  render(<Statistics frame={null} isOutdated={false} />);
  expect([number("available-count"), number("occupancy-percent")]).toEqual(["–", "–"]);
});

test("the stream's facts, with the latency by hop", () => {
  const timings = { captured_at: 1000, read_at: 1002, detected_at: 1020, published_at: 1030 };
  render(<StreamFacts frame={frame({ timings })} viewers={2} isLate={false} />);
  expect([number("frame-count"), number("fps"), number("latency"), number("viewers")]).toEqual(["41", "10.0", "42", "2"]);
  expect(screen.getByText("By hop").parentElement?.textContent).toContain("ingest 2detect 18draw 10deliver 12");
});

test("a late picture has no frames a second", () => {
  render(<StreamFacts frame={frame({})} viewers={2} isLate />);
  expect([number("frame-count"), number("fps")]).toEqual(["41", "0.0"]);
});

test("when there is no picture the page says why", () => {
  render(
    <LiveView stream={{ state: "connected", frame: null }} camera={camera("stalled", "camera sent nothing for 10 s")} isListKnown age={{ isLate: false, ageMs: 0 }} />,
  );
  expect(screen.getByRole("status").textContent).toBe("Camera stalled: camera sent nothing for 10 s.");
});

test("an old picture is marked as old", () => {
  render(<LiveView stream={{ state: "connected", frame: frame({}) }} camera={camera("unknown")} isListKnown age={{ isLate: true, ageMs: 26_000 }} />);
  expect(screen.getByTestId("live-picture").className).toBe("late");
  expect(screen.getByRole("status").textContent).toBe("No new picture. This picture is 26 s old.");
});

test("a drawn picture is released", () => {
  const shown = frame({ frame_id: "5-0" });
  render(<LiveView stream={{ state: "connected", frame: shown }} camera={camera("live")} isListKnown age={{ isLate: false, ageMs: 0 }} />);
  expect(screen.queryByRole("status")).toBeNull();
  const canvas = screen.getByTestId("live-picture");
  expect(canvas.dataset["frameCount"]).toBe("41");
  expect(canvas.dataset["frameId"]).toBe("5-0");
  expect(vi.mocked(shown.picture).close.mock.calls).toHaveLength(1);
});

test("a camera is chosen by name and id", () => {
  const onSelect = vi.fn<(cameraId: string) => void>();
  render(<CameraPicker cameras={[camera("live"), { ...camera("live"), id: "D", name: "D" }]} selected="C" onSelect={onSelect} />);
  expect(screen.getAllByRole("option").map((option) => option.textContent)).toEqual(["Gate (C)", "D"]);
});

test.each([
  [{ login_required: true, role: "viewer" }, 1],
  [{ login_required: true, role: null }, 0],
  [{ login_required: false, role: "admin" }, 0],
])("where %j one may log out by %d button", async (session, buttons) => {
  const asked = vi.spyOn(globalThis, "fetch").mockImplementation(() => Promise.resolve(Response.json(session)));
  const { container } = render(<LogOut />);
  await vi.waitFor(() => { expect(asked).toHaveBeenCalledWith("/api/session", expect.anything()); });
  await act(async () => { await new Promise((settled) => setTimeout(settled, 0)); });
  expect(screen.queryAllByRole("button", { name: "Log out" })).toHaveLength(buttons);
  expect(container.querySelectorAll('form[method="post"][action="/logout"]')).toHaveLength(buttons);
  asked.mockRestore();
});

test("without cameras the page says how to add one", () => {
  render(<NoCameras loading={false} />);
  expect(screen.getByText(/curl -X POST/)).toBeTruthy();
});
