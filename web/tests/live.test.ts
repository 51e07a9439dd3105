// @vitest-environment node
import { encode } from "@msgpack/msgpack";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { WebSocketServer, WebSocket as NodeWebSocket } from "ws";

import { HIDDEN_AFTER_MS } from "../src/live/activity";
import { LiveClient, SHOWN_WITHIN_MS } from "../src/live/client";
import { readLiveMessage, stateAt, type LiveFrame } from "../src/live/messages";
import { FIRST_RETRY_MS } from "../src/stream/backoff";

let server: WebSocketServer;
let client: LiveClient | null = null;
let page: EventTarget & { visibilityState: string };
let win: EventTarget;
let told: string[];
let times: [number, boolean | undefined][];
let requests: Record<string, unknown>[];

beforeEach(async () => {
  page = Object.assign(new EventTarget(), { visibilityState: "visible" });
  vi.stubGlobal("document", page);
  win = new EventTarget();
  vi.stubGlobal("addEventListener", win.addEventListener.bind(win));
  vi.stubGlobal("removeEventListener", win.removeEventListener.bind(win));
  [told, times] = [[], []];
  vi.stubGlobal("WebSocket", NodeWebSocket);
  requests = [];
  server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  server.on("connection", (socket) => socket.on("message", (data) => {
    const text = (data as Buffer).toString();
    if (text !== "ping") requests.push(JSON.parse(text) as Record<string, unknown>);
  }));
  await new Promise((resolve) => server.once("listening", resolve));
});

afterEach(() => {
  client?.close();
  vi.useRealTimers();
  for (const socket of server.clients) socket.terminate();
  server.close();
});

function connect(): LiveClient {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  client = new LiveClient(`ws://127.0.0.1:${address.port}/`, {
    onStatus: (message) => { told.push(message.status.id); },
    clock: { learn: (nowMs, _, isFirst) => { times.push([nowMs, isFirst]); } },
    random: () => 0.5,
  });
  return client;
}

function nextSocket(): Promise<NodeWebSocket> {
  return new Promise((resolve) => server.once("connection", resolve));
}

function frame(cameraId: string, n: number, jpeg: Uint8Array | null = new Uint8Array([0xff, 0xd8])): Uint8Array {
  return encode({
    type: "frame", camera_id: cameraId, n, picture: "plain", jpeg, size: [640, 360], spaces: "v1",
    states: new Uint8Array([0b100100]), vehicles: [], counts: [1, 1, 1], timings: [1, 2, 3, 4],
  });
}

const SPACES = encode({ type: "spaces", camera_id: "A", version: "v1", spaces: [{ id: "A1", name: "A1", polygon: [] }] });

test("a frame comes with its spaces, and is acknowledged once it has been shown", async () => {
  const shown: [number, string | undefined][] = [];
  let finish: () => void = () => undefined;
  connect().watch("A", { picture: "plain" }, {
    onFrame: (one: LiveFrame, spaces) => {
      shown.push([one.n, spaces?.version]);
      return new Promise((resolve) => { finish = resolve; });
    },
  });
  const socket = await nextSocket();
  await vi.waitFor(() => { expect(requests).toEqual([{ op: "watch", camera_id: "A", picture: "plain" }]); });
  socket.send(SPACES);
  socket.send(frame("A", 1));
  await vi.waitFor(() => { expect(shown).toEqual([[1, "v1"]]); });
  expect(requests).toHaveLength(1);
  finish();
  await vi.waitFor(() => { expect(requests.at(-1)).toEqual({ op: "ack" }); });
});

test("a picture of a camera that is not watched any more is acknowledged, so that the others go on", async () => {
  connect();
  const socket = await nextSocket();
  await vi.waitFor(() => { expect(server.clients.size).toBe(1); });
  socket.send(encode({ type: "hello", version: 1, now_ms: 5, watch_max: 8 }));
  socket.send(frame("GONE", 1));
  socket.send(frame("NONE", 1, null));
  await vi.waitFor(() => { expect(requests).toEqual([{ op: "ack" }]); });
});

test("after a reconnect everything is watched again", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
  const live = connect();
  live.watch("A", { picture: "plain" }, { onFrame: () => undefined });
  live.watch("B", { picture: "small", fps: 5 }, { onFrame: () => undefined });
  const first = await nextSocket();
  await vi.waitFor(() => { expect(requests).toHaveLength(2); });
  first.terminate();
  await vi.waitFor(async () => {
    await vi.advanceTimersByTimeAsync(FIRST_RETRY_MS);
    expect(requests.slice(2)).toEqual([
      { op: "watch", camera_id: "A", picture: "plain" },
      { op: "watch", camera_id: "B", picture: "small", fps: 5 },
    ]);
  });
});

test("a picture that never gets shown does not hold up the others for long", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
  const shown = vi.fn(() => new Promise<void>(() => undefined));
  connect().watch("A", { picture: "plain" }, { onFrame: shown });
  (await nextSocket()).send(frame("A", 1));
  await vi.waitFor(() => { expect(shown).toHaveBeenCalled(); });
  await vi.advanceTimersByTimeAsync(SHOWN_WITHIN_MS);
  await vi.waitFor(() => { expect(requests.at(-1)).toEqual({ op: "ack" }); });
});

test("what cannot be shown is acknowledged too", async () => {
  const warned = vi.spyOn(console, "warn").mockReturnValue();
  connect().watch("A", { picture: "plain" }, { onFrame: () => { throw new Error("no canvas"); } });
  (await nextSocket()).send(frame("A", 1));
  await vi.waitFor(() => { expect(requests.at(-1)).toEqual({ op: "ack" }); });
  expect(warned).toHaveBeenCalledOnce();
  warned.mockRestore();
});

test("statuses are told, and with them the server's clock; a connection's first word on it is the one that counts", async () => {
  connect();
  const socket = await nextSocket();
  socket.send(encode({ type: "hello", version: 1, now_ms: 5, watch_max: 8 }));
  socket.send(encode({ type: "status", camera_id: "A", now_ms: 7, status: { id: "A" } }));
  await vi.waitFor(() => { expect(told).toEqual(["A"]); });
  expect(times).toEqual([[5, true], [7, undefined]]);
});

async function watchingOne(): Promise<NodeWebSocket> {
  connect().watch("A", { picture: "plain" }, { onFrame: () => undefined });
  const socket = await nextSocket();
  await vi.waitFor(() => { expect(requests).toHaveLength(1); });
  return socket;
}

function turn(visibilityState: "hidden" | "visible"): void {
  page.visibilityState = visibilityState;
  page.dispatchEvent(new Event("visibilitychange"));
}

test("a hidden page has no connection within three seconds, and watches again once it is shown", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
  const socket = await watchingOne();
  const gone = new Promise((resolve) => socket.once("close", resolve));
  expect(HIDDEN_AFTER_MS).toBeLessThan(3000);
  turn("hidden");
  await vi.advanceTimersByTimeAsync(HIDDEN_AFTER_MS);
  await gone;
  await vi.advanceTimersByTimeAsync(600_000);
  expect(server.clients.size, "not even a try to connect").toBe(0);
  expect(vi.getTimerCount(), "no timer runs").toBe(0);
  turn("visible");
  await vi.waitFor(() => { expect(requests.slice(1)).toEqual([{ op: "watch", camera_id: "A", picture: "plain" }]); });
});

test("a short look at another tab changes nothing", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
  const socket = await watchingOne();
  turn("hidden");
  await vi.advanceTimersByTimeAsync(HIDDEN_AFTER_MS - 1);
  turn("visible");
  await vi.advanceTimersByTimeAsync(HIDDEN_AFTER_MS);
  expect(socket.readyState).toBe(NodeWebSocket.OPEN);
  expect(requests).toHaveLength(1);
});

test.each([
  ["frozen", () => page.dispatchEvent(new Event("freeze")), () => page.dispatchEvent(new Event("resume"))],
  ["put away", () => win.dispatchEvent(new Event("pagehide")), () => win.dispatchEvent(new Event("pageshow"))],
])("a page that is %s lets go at once, and comes back when it is shown", async (_, leave, come) => {
  const socket = await watchingOne();
  const gone = new Promise((resolve) => socket.once("close", resolve));
  page.visibilityState = "hidden";
  leave();
  await gone;
  come();
  expect(server.clients.size, "it is not shown yet").toBe(0);
  page.visibilityState = "visible";
  come();
  await vi.waitFor(() => { expect(requests.slice(1)).toEqual([{ op: "watch", camera_id: "A", picture: "plain" }]); });
});

test("states are read by index", () => {
  const states = new Uint8Array([0b01100100, 0b10]);
  expect([0, 1, 2, 3, 4].map((index) => stateAt(states, index))).toEqual(["free", "occupied", "unknown", "occupied", "unknown"]);
  expect(stateAt(states, 99)).toBe("unknown");
});

test("what is no message is passed over", () => {
  expect(readLiveMessage(new Uint8Array([0xc1]).buffer)).toBeNull();
  expect(readLiveMessage(encode({ type: "later" }).slice().buffer)).toBeNull();
});
