// @vitest-environment node
import { encode } from "@msgpack/msgpack";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { WebSocketServer, WebSocket as NodeWebSocket } from "ws";

import { HIDDEN_AFTER_MS, LiveClient } from "../src/live/client";
import { readLiveMessage, RedisClock, stateAt, type LiveFrame } from "../src/live/messages";
import { FIRST_RETRY_MS } from "../src/stream/backoff";

let server: WebSocketServer;
let client: LiveClient | null = null;
let page: EventTarget & { visibilityState: string };
let requests: Record<string, unknown>[];

beforeEach(async () => {
  page = Object.assign(new EventTarget(), { visibilityState: "visible" });
  vi.stubGlobal("document", page);
  vi.stubGlobal("addEventListener", () => undefined);
  vi.stubGlobal("removeEventListener", () => undefined);
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
  client = new LiveClient(`ws://127.0.0.1:${address.port}/`, undefined, () => 0.5);
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

test("a hidden page watches nothing within three seconds, and everything once it is shown", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
  connect().watch("A", { picture: "plain" }, { onFrame: () => undefined });
  await nextSocket();
  await vi.waitFor(() => { expect(requests).toHaveLength(1); });
  page.visibilityState = "hidden";
  page.dispatchEvent(new Event("visibilitychange"));
  expect(HIDDEN_AFTER_MS).toBeLessThan(3000);
  await vi.advanceTimersByTimeAsync(HIDDEN_AFTER_MS);
  await vi.waitFor(() => { expect(requests.at(-1)).toEqual({ op: "unwatch", camera_id: "A" }); });
  page.visibilityState = "visible";
  page.dispatchEvent(new Event("visibilitychange"));
  await vi.waitFor(() => { expect(requests.at(-1)).toMatchObject({ op: "watch", camera_id: "A" }); });
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

test("the clock believes the message that was on its way for the shortest time", () => {
  const clock = new RedisClock();
  expect(clock.at(0)).toBeNull();
  clock.learn(10_000, 1_000);
  clock.learn(11_000, 2_400);
  expect(clock.at(3_000)).toBe(12_000);
  clock.learn(5_000, 4_000); // Redis's clock was set back
  expect(clock.at(4_000)).toBe(5_000);
});
