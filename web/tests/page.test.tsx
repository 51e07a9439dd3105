import { MantineProvider } from "@mantine/core";
import { cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, expect, test, vi } from "vitest";

import type { CameraView, EventView } from "../src/api/client";
import { ChangeList } from "../src/features/camera/Changes";
import { Details } from "../src/features/camera/Details";
import { LivePicture } from "../src/features/camera/LivePicture";
import { Numbers } from "../src/features/camera/Numbers";
import { Invitation, SpaceList } from "../src/features/camera/SpaceList";
import { asUnknown, type Scene, type SceneSpace } from "../src/live/scene";
import type { ShownFrame } from "../src/live/useLiveCamera";

vi.mock("../src/shared/useSession", () => ({ useSession: () => ({ isKnown: true, mayChange: false, isLoggedIn: false }) }));

afterEach(() => { cleanup(); localStorage.clear(); });

const show = (content: ReactNode) => render(<MantineProvider>{content}</MantineProvider>);
const number = (id: string) => screen.getByTestId(id).textContent;

const SPACES: SceneSpace[] = [
  { id: "1", name: "A1", polygon: [], state: "occupied" },
  { id: "2", name: "A2", polygon: [[0, 0], [0.5, 0], [0.5, 0.5]], state: "free" },
  { id: "3", name: "A3", polygon: [], state: "unknown" },
];
const COUNTS: Scene["counts"] = { vehicles: 3, total: 3, available: 1, occupied: 1, unknown: 1 };

function scene(change: Partial<Scene> = {}): Scene {
  return {
    cameraId: "C", n: 41, frameId: "5-0", picture: "plain", size: { width: 4, height: 2 }, spaces: SPACES, counts: COUNTS, vehicles: [],
    timings: { captured: 1000, read: 1002, detected: 1020, published: 1030 }, ...change,
  };
}

function frame(change: Partial<Scene> = {}): ShownFrame {
  const bitmap = { width: 4, height: 2, close: vi.fn() } as unknown as ImageBitmap;
  const dated = { capturedAt: 1000, shownAt: 0, latencyMs: 42.4 };
  return { ...dated, scene: scene(change), bitmap, size: { width: 4, height: 2 }, fps: 9.96, trails: new Map() };
}

function vehicle(trackId: number | null) {
  return { kind: "car" as const, confidence: 1, x: 0, y: 0, width: 2, height: 1, trackId };
}

function pointing() {
  return { chosen: null as string | null, onChoose: vi.fn(), pointed: null as string | null, onPoint: vi.fn() };
}

function camera(state: CameraView["status"]["state"], error: string | null = null): CameraView {
  return {
    id: "C", name: "Gate", url: null, fps: 10, enabled: true, registered: true, viewers: 2,
    occupancy: { total: 0, occupied: 0, free: 0, unknown: 0 },
    status: { state, error, input_fps: null, output_fps: null, reconnects: 0, last_frame_at: null },
  };
}

test("the numbers of a frame are shown", () => {
  show(<Numbers counts={COUNTS} isOutdated={false} />);
  expect(["vehicle-count", "occupied-count", "total-count", "available-count", "unknown-count"].map(number)).toEqual(["3", "1", "3", "1", "1"]);
  expect(number("occupancy-percent")).toBe("33");
});

test("of an outdated picture no space is free, in headline and list alike", () => {
  const outdated = asUnknown(scene());
  show(<><Numbers counts={outdated.counts} isOutdated /><SpaceList spaces={outdated.spaces} {...pointing()} /></>);
  expect(["available-count", "occupied-count", "unknown-count", "vehicle-count"].map(number)).toEqual(["–", "–", "3", "–"]);
  expect(screen.getAllByRole("listitem").map((item) => item.textContent)).toEqual(["A1: unknown", "A2: unknown", "A3: unknown"]);
});

test("a full lot says so, large; one with an unknown space does not", () => {
  const { rerender } = show(<Numbers counts={{ ...COUNTS, available: 0, occupied: 3, unknown: 0 }} isOutdated={false} />);
  expect(screen.getByText("FULL")).toBeTruthy();
  expect(number("available-count")).toBe("0");
  rerender(<MantineProvider><Numbers counts={{ ...COUNTS, available: 0, occupied: 2 }} isOutdated={false} /></MantineProvider>);
  expect(screen.queryByText("FULL")).toBeNull();
});

test("without marked spaces there is no count of none", () => {
  show(<><Numbers counts={{ vehicles: 2, total: 0, available: 0, occupied: 0, unknown: 0 }} isOutdated={false} /><Invitation cameraId="C" /></>);
  expect(screen.getByRole("heading").textContent).toBe("No spaces are marked yet.");
  expect(screen.queryByTestId("available-count")).toBeNull();
  expect(number("vehicle-count")).toBe("2");
});

test("before the first frame there are no numbers", () => {
  show(<Numbers counts={null} isOutdated={false} />);
  expect(["available-count", "occupancy-percent"].map(number)).toEqual(["–", "–"]);
});

test("a space in the list is chosen, and let go again", () => {
  const to = { ...pointing(), chosen: "2" };
  show(<SpaceList spaces={SPACES} {...to} />);
  const list = within(screen.getByRole("list", { name: "Spaces" }));
  fireEvent.click(list.getByRole("button", { name: /^A1 ?: taken$/ }));
  fireEvent.click(list.getByRole("button", { name: /^A2 ?: free$/, pressed: true }));
  expect(to.onChoose.mock.calls).toEqual([["1"], [null]]);
});

test("list and picture point at each other", () => {
  const to = pointing();
  const { container, rerender } = show(<><SpaceList spaces={SPACES} {...to} />{picture(frame(), camera("live"), 0, SPACES, to)}</>);
  fireEvent.focus(screen.getByRole("button", { name: /^A2/ }));
  fireEvent.pointerEnter(container.querySelector(".space-shape") as Element);
  expect(to.onPoint.mock.calls).toEqual([["2"], ["2"]]);
  const pointed = { ...to, pointed: "2" };
  rerender(<MantineProvider><SpaceList spaces={SPACES} {...pointed} />{picture(frame(), camera("live"), 0, SPACES, pointed)}</MantineProvider>);
  expect(container.querySelectorAll(".space-shape-pointed, .space-pointed")).toHaveLength(2);
});

test("the details tell frames, latency and hops", () => {
  show(<Details cameraId="C" frame={frame({ vehicles: [vehicle(42), vehicle(null), vehicle(43)] })} viewers={2} isOutdated={false} />);
  expect(["frame-count", "fps", "latency", "viewers", "track-ids"].map(number)).toEqual(["41", "10.0", "42", "2", "#42#43"]);
  expect(screen.getByText("By hop").parentElement?.textContent).toContain("ingest 2detect 18publish 10deliver 12");
});

test("an old worker tells no hops", () => {
  show(<Details cameraId="C" frame={frame({ timings: { captured: 9, read: 9, detected: 9, published: 9 } })} viewers={2} isOutdated={false} />);
  expect(screen.queryByText("By hop")).toBeNull();
});

test("an outdated picture has no frames a second and no latency", () => {
  show(<Details cameraId="C" frame={frame()} viewers={2} isOutdated />);
  expect(["frame-count", "fps", "latency", "track-ids"].map(number)).toEqual(["41", "0.0", "–", "–"]);
});

function picture(shown: ShownFrame | null, camera: CameraView, ageMs = 0, spaces: SceneSpace[] = [], to = pointing()) {
  return (
    <LivePicture
      connection="connected" shown={{ frame: shown, seen: shown, isStill: false }} camera={camera} isListKnown
      age={{ isLate: ageMs > 0, ageMs }} spaces={spaces} pointing={to}
    />
  );
}

test("when there is no picture the page says why", () => {
  show(picture(null, camera("stalled", "camera sent nothing for 10 s")));
  expect(screen.getByRole("status").textContent).toBe("Camera stalled: camera sent nothing for 10 s.");
});

test("an old picture is marked as old, and its age is told", () => {
  show(picture(frame(), camera("unknown"), 26_000));
  expect(screen.getByTestId("live-picture").className).toBe("late");
  expect(screen.getByRole("status").textContent).toBe("No new picture. This picture is 26 s old.");
});

test("a drawn picture is released", () => {
  const shown = frame();
  const close = vi.spyOn(shown.bitmap, "close");
  show(picture(shown, camera("live")));
  expect(close).toHaveBeenCalledOnce();
  expect(screen.getByTestId("live-picture").dataset["frameId"]).toBe("5-0");
});

test("a layer is switched off, and stays so", () => {
  const { container, unmount } = show(picture(frame({ vehicles: [vehicle(1)] }), camera("live"), 0, SPACES));
  const drawn = () => ["svg.space-layer polygon", "svg.space-layer text", ".vehicle-box", ".vehicle-trail"].map((one) => container.querySelectorAll(one).length);
  expect(drawn()).toEqual([1, 1, 1, 0]);
  for (const layer of ["Names", "Vehicles"]) fireEvent.click(screen.getByRole("switch", { name: layer }));
  expect(drawn()).toEqual([1, 0, 0, 0]);
  fireEvent.click(screen.getByRole("switch", { name: "Spaces" }));
  expect(drawn()).toEqual([0, 0, 0, 0]);
  unmount();
  show(picture(frame(), camera("live"), 0, SPACES));
  expect(screen.getAllByRole<HTMLInputElement>("switch").map((one) => one.checked)).toEqual([false, false, false, true]);
});

test("trails are drawn for those that have moved", () => {
  const moved = { ...frame({ vehicles: [vehicle(1)] }), trails: new Map([[1, [[0, 0], [2, 1]] as [number, number][]]]) };
  const { container } = show(picture(moved, camera("live")));
  expect(container.querySelector(".vehicle-trail")?.getAttribute("d")).toBe("M0 0L2 1");
});

test("what the picture has drawn in is not drawn over it again", () => {
  const { container } = show(picture(frame({ picture: "annotated", vehicles: [vehicle(1)] }), camera("live"), 0, SPACES));
  expect(container.querySelector(".vehicle-box")).toBeNull();
  expect(container.querySelector(".space-layer-quiet")).not.toBeNull();
  expect(screen.getAllByRole<HTMLInputElement>("switch").every((one) => one.disabled)).toBe(true);
});

test("an outdated picture shows no vehicles: they may have left", () => {
  const { container } = show(picture(frame({ vehicles: [vehicle(1)] }), camera("unknown"), 26_000, SPACES));
  expect(container.querySelector(".vehicle-box")).toBeNull();
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
