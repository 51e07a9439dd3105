import { act, cleanup, render } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import type { LiveHandlers, Wish } from "../src/live/client";
import type { LiveFrame, SpacesMessage } from "../src/live/messages";
import { useTilePicture, type TilePicture } from "../src/live/useTilePicture";

const watch = vi.hoisted(() => vi.fn());
vi.mock("../src/live/page", () => ({ live: () => ({ watch }) }));

const TABLE: SpacesMessage = { type: "spaces", camera_id: "A", version: "v1", spaces: [{ id: "1", name: "A1", polygon: [[0, 0], [1, 0], [1, 1]] }] };
let handlers: LiveHandlers;
let stopped: number;
let drawn: unknown[];
let shown: TilePicture;

beforeEach(() => {
  vi.useFakeTimers();
  [stopped, drawn] = [0, []];
  watch.mockReset().mockImplementation((_id: string, _wish: Wish, given: LiveHandlers) => {
    handlers = given;
    return () => { stopped += 1; };
  });
  vi.stubGlobal("createImageBitmap", () => Promise.resolve({ width: 480, height: 270, close: vi.fn() }));
  HTMLCanvasElement.prototype.getContext = (() => ({ transferFromImageBitmap: (bitmap: unknown) => { drawn.push(bitmap); } })) as never;
});

afterEach(() => { cleanup(); vi.useRealTimers(); vi.unstubAllGlobals(); });

function Tile({ isWatched }: { isWatched: boolean }) {
  const [canvas, picture] = useTilePicture("A", { picture: "small", fps: 5, cameraFps: 10, isWatched });
  shown = picture; // eslint-disable-line react-hooks/globals -- the tests look at what the hook told last
  return <canvas ref={canvas} />;
}

function frame(n: number, state = 0, picture: LiveFrame["picture"] = "small"): LiveFrame {
  return {
    type: "frame", camera_id: "A", n, frame_id: "", picture, jpeg: new Uint8Array([1]), size: [640, 360], spaces: "v1",
    states: new Uint8Array([state]), vehicles: [], counts: [1, 0, 0], timings: [Date.now(), Date.now(), Date.now(), Date.now()],
  };
}

const come = (one: LiveFrame) => act(async () => { await handlers.onFrame(one, TABLE); });
const pass = (ms: number) => { act(() => { vi.advanceTimersByTime(ms); }); };

test("a tile is watched while it is on the screen, with its own rate", () => {
  const { rerender } = render(<Tile isWatched={false} />);
  expect(watch).not.toHaveBeenCalled();
  rerender(<Tile isWatched />);
  expect(watch).toHaveBeenCalledExactlyOnceWith("A", { picture: "small", fps: 5 }, expect.anything());
  rerender(<Tile isWatched={false} />);
  expect(stopped).toBe(1);
});

test("pictures are drawn past React; spaces are told anew only when one changes", async () => {
  render(<Tile isWatched />);
  await come(frame(1));
  const { spaces, size } = shown;
  expect(size).toEqual({ width: 480, height: 270 });
  expect(spaces.map(({ name, state }) => `${name} ${state}`)).toEqual(["A1 free"]);
  await come(frame(2));
  expect(drawn).toHaveLength(2);
  expect(shown.spaces).toBe(spaces);
  await come(frame(3, 1));
  expect(shown.spaces.map(({ state }) => state)).toEqual(["occupied"]);
  await come(frame(4, 1, "annotated"));
  expect(shown.spaces, "they are drawn in").toEqual([]);
});

test("a picture is late after five seconds, unless the gateway says that nothing has changed", async () => {
  render(<Tile isWatched />);
  await come(frame(1));
  for (let second = 0; second < 20; second += 1) {
    pass(1000);
    act(() => { handlers.onStill?.({ type: "still", camera_id: "A", n: 1 }); });
    expect(shown.isLate).toBe(false);
  }
  pass(4000);
  expect(shown.isLate).toBe(false);
  pass(2000);
  expect(shown.isLate).toBe(true);
  await come(frame(2));
  expect(shown.isLate).toBe(false);
});
