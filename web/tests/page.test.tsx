import { MantineProvider } from "@mantine/core";
import { cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, expect, test, vi } from "vitest";

import type { CameraView, EventView } from "../src/api/client";
import { ChangeList } from "../src/features/camera/Changes";
import { Details } from "../src/features/camera/Details";
import { LivePicture } from "../src/features/camera/LivePicture";
import { Numbers } from "../src/features/camera/Numbers";
import { SpaceList } from "../src/features/camera/SpaceList";
import { asUnknown } from "../src/shared/counts";
import type { Metadata, Space } from "../src/stream/message";
import type { ShownFrame } from "../src/stream/useStream";

afterEach(() => { cleanup(); localStorage.clear(); });

const show = (content: ReactNode) => render(<MantineProvider>{content}</MantineProvider>);
const number = (id: string) => screen.getByTestId(id).textContent;

const SPACE = { bbox: { x: 0, y: 0, width: 1, height: 1 }, is_occupied: false };
const SPACES: Space[] = [
  { ...SPACE, space_id: "1", space_name: "A1", is_occupied: true, state: "occupied" },
  { ...SPACE, space_id: "2", space_name: "A2", state: "free", polygon: [[0, 0], [0.5, 0], [0.5, 0.5]] },
  { ...SPACE, space_id: "3", space_name: "A3", state: "unknown" },
];
const COUNTED: Metadata = { vehicle_count: 3, total_spaces: 3, free_spaces: 1, taken_spaces: 1, unknown_spaces: 1, space_occupancy: SPACES };

function frame(metadata: Metadata): ShownFrame {
  const picture = { width: 4, height: 2, close: vi.fn() } as unknown as ImageBitmap;
  const message = { cameraId: "C", jpeg: new Uint8Array(), metadata, frameCount: 41, publishedAt: 1030 };
  return { message, picture, size: { width: 4, height: 2 }, fps: 9.96, capturedAt: 1000, shownAt: 0, latencyMs: 42.4 };
}

function camera(state: CameraView["status"]["state"], error: string | null = null): CameraView {
  return {
    id: "C", name: "Gate", url: null, fps: 10, enabled: true, registered: true, viewers: 2,
    occupancy: { total: 0, occupied: 0, free: 0, unknown: 0 },
    status: { state, error, input_fps: null, output_fps: null, reconnects: 0, last_frame_at: null },
  };
}

test("the numbers of a frame are shown", () => {
  show(<Numbers metadata={COUNTED} isOutdated={false} />);
  expect(["vehicle-count", "occupied-count", "total-count", "available-count", "unknown-count"].map(number)).toEqual(["3", "1", "3", "1", "1"]);
  expect(number("occupancy-percent")).toBe("33");
});

test("of an outdated picture no space is free, in headline and list alike", () => {
  const outdated = asUnknown(COUNTED);
  show(<><Numbers metadata={outdated} isOutdated /><SpaceList cameraId="C" spaces={outdated.space_occupancy ?? []} chosen={null} onChoose={vi.fn()} /></>);
  expect(["available-count", "occupied-count", "unknown-count", "vehicle-count"].map(number)).toEqual(["–", "–", "3", "–"]);
  expect(screen.getAllByRole("listitem").map((item) => item.textContent)).toEqual(["A1: unknown", "A2: unknown", "A3: unknown"]);
});

test("a full lot says so, large; one with an unknown space does not", () => {
  const { rerender } = show(<Numbers metadata={{ ...COUNTED, free_spaces: 0, taken_spaces: 3, unknown_spaces: 0 }} isOutdated={false} />);
  expect(screen.getByText("FULL")).toBeTruthy();
  expect(number("available-count")).toBe("0");
  rerender(<MantineProvider><Numbers metadata={{ ...COUNTED, free_spaces: 0, taken_spaces: 2, unknown_spaces: 1 }} isOutdated={false} /></MantineProvider>);
  expect(screen.queryByText("FULL")).toBeNull();
});

test("without marked spaces there is no count of none", () => {
  show(<Numbers metadata={{ vehicle_count: 2 }} isOutdated={false} />);
  expect(screen.queryByTestId("available-count")).toBeNull();
  expect(number("vehicle-count")).toBe("2");
});

test("before the first frame there are no numbers", () => {
  show(<Numbers metadata={null} isOutdated={false} />);
  expect(["available-count", "occupancy-percent"].map(number)).toEqual(["–", "–"]);
});

test("a space in the list is chosen, and let go again", () => {
  const onChoose = vi.fn();
  show(<SpaceList cameraId="C" spaces={SPACES} chosen="2" onChoose={onChoose} />);
  const list = within(screen.getByRole("list", { name: "Spaces" }));
  fireEvent.click(list.getByRole("button", { name: /^A1 ?: taken$/ }));
  fireEvent.click(list.getByRole("button", { name: /^A2 ?: free$/, pressed: true }));
  expect(onChoose.mock.calls).toEqual([["1"], [null]]);
});

test("the details tell frames, latency and hops", () => {
  const timings = { captured_at: 1000, read_at: 1002, detected_at: 1020, published_at: 1030 };
  show(<Details frame={frame({ timings, track_ids: [42, 43] })} viewers={2} isOutdated={false} />);
  expect(["frame-count", "fps", "latency", "viewers", "track-ids"].map(number)).toEqual(["41", "10.0", "42", "2", "#42#43"]);
  expect(screen.getByText("By hop").parentElement?.textContent).toContain("ingest 2detect 18draw 10deliver 12");
});

test("an outdated picture has no frames a second and no latency", () => {
  show(<Details frame={frame({})} viewers={2} isOutdated />);
  expect(["frame-count", "fps", "latency", "track-ids"].map(number)).toEqual(["41", "0.0", "–", "–"]);
});

function picture(shown: ShownFrame | null, camera: CameraView, ageMs = 0, spaces: Space[] = []) {
  return (
    <LivePicture
      stream={{ state: "connected", frame: shown }} camera={camera} isListKnown age={{ isLate: ageMs > 0, ageMs }}
      spaces={spaces} chosen={null} onChoose={vi.fn()}
    />
  );
}

test("when there is no picture the page says why", () => {
  show(picture(null, camera("stalled", "camera sent nothing for 10 s")));
  expect(screen.getByRole("status").textContent).toBe("Camera stalled: camera sent nothing for 10 s.");
});

test("an old picture is marked as old, and its age is told", () => {
  show(picture(frame({}), camera("unknown"), 26_000));
  expect(screen.getByTestId("live-picture").className).toBe("late");
  expect(screen.getByRole("status").textContent).toBe("No new picture. This picture is 26 s old.");
});

test("a drawn picture is released", () => {
  const shown = frame({ frame_id: "5-0" });
  const close = vi.spyOn(shown.picture, "close");
  show(picture(shown, camera("live")));
  expect(close).toHaveBeenCalledOnce();
  expect(screen.getByTestId("live-picture").dataset["frameId"]).toBe("5-0");
});

test("the layer of the spaces is switched off, and stays so", () => {
  const { container, unmount } = show(picture(frame({}), camera("live"), 0, SPACES));
  expect(container.querySelectorAll("svg.space-layer polygon")).toHaveLength(1);
  fireEvent.click(screen.getByRole("switch", { name: "Spaces" }));
  expect(container.querySelector("svg.space-layer")).toBeNull();
  unmount();
  show(picture(frame({}), camera("live"), 0, SPACES));
  expect(screen.getByRole<HTMLInputElement>("switch", { name: "Spaces" }).checked).toBe(false);
});

function change(state: EventView["state"], previous: EventView["previous"]): EventView {
  return { id: `${state}-${previous}`, space_id: "1", space_name: "A1", state, previous, at: 1000, track_id: null };
}

test("changes are told in words; what only says that somebody began to look is no news", () => {
  show(<ChangeList shown={9} events={[
    change("occupied", "free"), change("free", "occupied"), change("unknown", "occupied"),
    change("free", "unknown"), change("unknown", "free"), change("occupied", "unknown"),
  ]} />);
  expect(screen.getAllByRole("listitem").map((item) => item.children[1]?.textContent)).toEqual([
    "Vehicle arrived at A1", "A1 became free", "A1 cannot be judged",
  ]);
});
