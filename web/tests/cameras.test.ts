import { expect, test } from "vitest";

import type { CameraView } from "../src/api/client";
import { loginAddress } from "../src/api/client";
import { HIDDEN, idFromName, joinAddress, splitAddress, withScheme } from "../src/features/cameras/address";
import { checkField } from "../src/features/cameras/checks";
import { tipFor } from "../src/features/cameras/tips";
import { deskGrid, largestFit, phoneGrid, wallGrid } from "../src/features/overview/layout";
import { pictureFor, tileFps } from "../src/features/overview/picture";
import { totalsOf } from "../src/features/overview/totals";
import { de } from "../src/i18n/de";
import { en } from "../src/i18n/en";
import { pickLanguage } from "../src/i18n";
import { healthOf } from "../src/shared/cameraHealth";
import { countsOfView } from "../src/shared/counts";

test.each([
  ["rtsp://ann:p%40ss@host:554/s?x=1", { url: "rtsp://host:554/s?x=1", user: "ann", password: "p@ss" }],
  ["http://ann:***@host/", { url: "http://host/", user: "ann", password: HIDDEN }],
  ["http://host/a@b", { url: "http://host/a@b", user: "", password: "" }],
  ["rtsp://ann@host/s", { url: "rtsp://host/s", user: "ann", password: "" }],
])("an address is taken apart and put together: %s", (full, parts) => {
  expect(splitAddress(full)).toEqual(parts);
  expect(joinAddress(parts)).toBe(full);
});

test.each([
  ["192.168.1.20/stream", "http://192.168.1.20/stream"],
  [" gate.lan:8080 ", "http://gate.lan:8080"],
  ["ann:pw@10.0.0.7:554/s", "rtsp://ann:pw@10.0.0.7:554/s"],
  ["10.0.0.7:8554", "rtsp://10.0.0.7:8554"],
  ["10.0.0.7/x:554/y", "http://10.0.0.7/x:554/y"],
  ["rtsp://host/s", "rtsp://host/s"],
  ["file:///videos/lot.mp4", "file:///videos/lot.mp4"],
  ["", ""],
  ["my camera", "my camera"],
  ["file:/lot.mp4", "file:/lot.mp4"],
])("an address without a scheme gets one: %s", (typed, url) => {
  expect(withScheme(typed)).toBe(url);
});

test("an id is made of the name", () => {
  expect([idFromName("North lot, Gate 2", []), idFromName("Größe ß", []), idFromName("…", []), idFromName("A", ["a", "a-2"])]).toEqual([
    "north-lot-gate-2", "grosse-ss", "camera", "a-3",
  ]);
});

test("fields are checked by the API's own schema", () => {
  expect(checkField("url", "rtsp://host/s")).toBeNull();
  expect(checkField("url", "host/s")).toContain("http://");
  expect(checkField("url", "")).toBe(en.cameras.check.required);
  expect(checkField("id", "a b")).toBe(en.cameras.check.id);
  expect(checkField("name", "  ")).toBe(en.cameras.check.required);
  expect(checkField("name", "x".repeat(129))).toBe(en.cameras.check.tooLong(128));
  expect([checkField("fps", 10), checkField("fps", 0.5)]).toEqual([null, null]);
  for (const fps of [0, 61, Number.NaN]) expect(checkField("fps", fps)).toBe(en.cameras.check.range(0, 60));
});

test.each([
  ["login", "login"], ["refused", "refused"], ["not_found", "notFound"], ["no_host", "name"], ["busy", "busy"],
  ["unreachable", "timeout"], ["silent", "timeout"], ["other", "generic"],
] as const)("what to try: %s", (cause, tip) => {
  expect(tipFor(cause)).toBe(en.cameras.tips[tip]);
});

function camera(change: Partial<CameraView> & { state?: CameraView["status"]["state"]; error?: string; lastFrameAt?: number | null }): CameraView {
  const { state = "live", error = null, lastFrameAt = 1000, ...rest } = change;
  return {
    id: "C", name: "Gate", url: null, fps: 10, enabled: true, registered: true, viewers: 0,
    occupancy: { total: 4, occupied: 1, free: 3, unknown: 0 },
    status: { state, error, input_fps: 10, output_fps: 10, reconnects: 0, last_frame_at: lastFrameAt }, ...rest,
  };
}

test.each([
  ["live", camera({}), 1_001_000, "Live", true],
  ["live by its word, but its pictures are old", camera({}), 1_120_000, "No picture for 2 min", false],
  ["stalled", camera({ state: "error", error: "connection refused" }), 1_120_000, "No picture for 2 min: connection refused", false],
  ["never seen", camera({ state: "error", error: "no answer", lastFrameAt: null }), 0, "No picture yet: no answer", false],
  ["off", camera({ enabled: false }), 1_001_000, "Switched off", false],
])("how a camera does: %s", (_, view, now, words, isLive) => {
  expect(healthOf(view, now)).toMatchObject({ words, isLive });
});

test("a camera that is off, or that nobody knows of, has no free space", () => {
  expect(countsOfView(camera({ enabled: false }))).toMatchObject({ available: 0, unknown: 4, isKnown: false });
  expect(countsOfView(camera({ occupancy: { total: 4, occupied: 0, free: 0, unknown: 4 } })).isKnown).toBe(false);
  const none = { total: 0, occupied: 0, free: 0, unknown: 0 };
  expect(totalsOf([camera({}), camera({ enabled: false }), camera({ occupancy: none })])).toEqual({ available: 3, occupied: 1, unknown: 4, total: 8, notCounted: 1 });
});

const SCREEN = { width: 1920, height: 1080, gap: 0, textHeight: 0, leastWidth: 200 };

test.each([[1, 1], [4, 2], [9, 3], [25, 5], [64, 8]])("a wall of %i on a wide screen has %i columns", (count, columns) => {
  expect(wallGrid(count, SCREEN)).toEqual({ columns, rows: columns, perPage: count, pages: 1 });
});

test("tiles stand below each other on a tall screen, beside each other on a wide one", () => {
  const columns = (count: number, width: number, height: number) => largestFit(count, { ...SCREEN, width, height, textHeight: 50 }).columns;
  expect([columns(2, 390, 800), columns(2, 1900, 800), columns(3, 3000, 500)]).toEqual([1, 2, 3]);
});

test("on a wall no tile is too small to be read: more cameras take turns, in pages of one size", () => {
  expect(wallGrid(64, { ...SCREEN, leastWidth: 370 })).toEqual({ columns: 5, rows: 5, perPage: 22, pages: 3 });
  expect(wallGrid(3, { ...SCREEN, width: 300, height: 200, leastWidth: 370 })).toEqual({ columns: 1, rows: 1, perPage: 1, pages: 3 });
});

test("on a desk the page scrolls once its tiles would be too small; on a phone always", () => {
  const room = { ...SCREEN, width: 1180, height: 780, gap: 16, textHeight: 52, leastWidth: 240 };
  expect([4, 9, 25, 64].map((count) => deskGrid(count, room))).toEqual([
    { columns: 2, rows: 2 }, { columns: 3, rows: 3 }, { columns: 4, rows: null }, { columns: 4, rows: null },
  ]);
  expect([4, 25].map(phoneGrid)).toEqual([{ columns: 1, rows: null }, { columns: 2, rows: null }]);
});

test("a large tile gets the camera's own picture, and many tiles move more slowly", () => {
  expect([pictureFor(400), pictureFor(1900)]).toEqual(["small", "plain"]);
  expect([1, 16, 20, 64, 1000].map(tileFps)).toEqual([5, 5, 4, 1, 1]);
});

test("the log-in leads back to the page that was asked for", () => {
  expect(loginAddress({ pathname: "/cameras/A", search: "?wall=1", hash: "" })).toBe("/login?next=%2Fcameras%2FA%3Fwall%3D1");
  expect(loginAddress({ pathname: "/cameras", search: "", hash: "#add" })).toBe("/login?next=%2Fcameras%23add");
  expect(loginAddress({ pathname: "/", search: "", hash: "" })).toBe("/login");
});

test("the language is the one that was chosen, else the browser's first that there is", () => {
  expect([pickLanguage(null, ["fr-CH", "de-AT", "en"]), pickLanguage("en", ["de"]), pickLanguage("xx", ["ja"])]).toEqual(["de", "en", "en"]);
});

test("every language says everything, and says it in its own words", () => {
  const paths = (entry: object, path = ""): string[] =>
    Object.entries(entry).flatMap(([name, value]: [string, unknown]) => (typeof value === "object" && value !== null ? paths(value, `${path}${name}.`) : [path + name]));
  expect(paths(de)).toEqual(paths(en));
  const texts = (entry: object): string[] => Object.values(entry).flatMap((value: unknown) => (typeof value === "string" ? [value] : typeof value === "object" && value !== null ? texts(value) : []));
  expect(texts(de).filter((one) => one.trim() === "")).toEqual([]);
});
