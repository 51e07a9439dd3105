// @vitest-environment node
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { WebSocketServer, WebSocket as NodeWebSocket } from "ws";

import { FIRST_RETRY_MS, JITTER, LONGEST_RETRY_MS, retryDelayMs } from "../src/stream/backoff";
import { PING_EVERY_MS, ReconnectingSocket, socketUrl, type ConnectionState } from "../src/stream/socket";

let server: WebSocketServer;
let connection: ReconnectingSocket | null = null;
let states: ConnectionState[];
let frames: number[];
let network: EventTarget;

beforeEach(async () => {
  network = new EventTarget();
  vi.stubGlobal("addEventListener", network.addEventListener.bind(network));
  vi.stubGlobal("removeEventListener", network.removeEventListener.bind(network));
  vi.stubGlobal("WebSocket", NodeWebSocket);
  states = [];
  frames = [];
  server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await new Promise((resolve) => server.once("listening", resolve));
});

afterEach(() => {
  vi.useRealTimers();
  connection?.close();
  for (const client of server.clients) client.terminate();
  server.close();
});

function connect(): void {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  connection = new ReconnectingSocket(`ws://127.0.0.1:${address.port}/`, {
    onState: (state) => states.push(state),
    onData: (data) => frames.push(new Uint8Array(data)[0] ?? -1),
  }, () => 0.5);
}

function nextClient(): Promise<NodeWebSocket> {
  return new Promise((resolve) => server.once("connection", resolve));
}

function frame(count: number): Uint8Array {
  return new Uint8Array([count]);
}

test("binary messages are handed on; keepalive and pong are text", async () => {
  connect();
  const client = await nextClient();
  client.send(frame(1));
  client.send("keepalive");
  client.send("pong");
  client.send(frame(2));
  await vi.waitFor(() => { expect(frames).toEqual([1, 2]); });
  expect(states).toEqual(["connecting", "connected"]);
});

test("a lost connection is opened again after three seconds", async () => {
  expect(FIRST_RETRY_MS).toBe(3000);
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  connect();
  const first = await nextClient();
  first.terminate();
  await vi.waitUntil(() => states.at(-1) === "reconnecting", { interval: 0 });
  const again = nextClient();
  await vi.advanceTimersByTimeAsync(FIRST_RETRY_MS - 1);
  expect(server.clients.size).toBe(0);
  await vi.advanceTimersByTimeAsync(1);
  (await again).send(frame(9));
  vi.useRealTimers();
  await vi.waitFor(() => { expect(frames).toEqual([9]); });
  expect(states.at(-1)).toBe("connected");
});

test("the waits grow to ten seconds and differ from viewer to viewer", () => {
  expect([0, 1, 2, 3, 4, 100].map((failures) => retryDelayMs(failures, 0.5))).toEqual([3000, 6000, 10_000, 10_000, 10_000, 10_000]);
  expect([retryDelayMs(0, 0), retryDelayMs(0, 1)]).toEqual([FIRST_RETRY_MS * (1 - JITTER), FIRST_RETRY_MS * (1 + JITTER)]);
  expect(retryDelayMs(50, 1)).toBeLessThanOrEqual(LONGEST_RETRY_MS * (1 + JITTER));
});

test("connections that do not hold count as failures: the second wait is longer", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  connect();
  (await nextClient()).terminate();
  await vi.waitUntil(() => states.at(-1) === "reconnecting", { interval: 0 });
  const second = nextClient();
  await vi.advanceTimersByTimeAsync(3000);
  const client = await second;
  await vi.waitUntil(() => states.at(-1) === "connected", { interval: 0 });
  client.terminate();
  await vi.waitUntil(() => states.at(-1) === "reconnecting", { interval: 0 });
  await vi.advanceTimersByTimeAsync(5999);
  expect(server.clients.size).toBe(0);
  const third = nextClient();
  await vi.advanceTimersByTimeAsync(1);
  await third;
  await vi.waitUntil(() => states.at(-1) === "connected", { interval: 0 });
});

test.each([
  ["the page wants it", () => connection?.resume()],
  ["the network returns", () => network.dispatchEvent(new Event("online"))],
])("it tries again at once when %s", async (_, happen) => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  connect();
  (await nextClient()).terminate();
  await vi.waitUntil(() => states.at(-1) === "reconnecting", { interval: 0 });
  const again = nextClient();
  happen();
  await again;
  await vi.waitUntil(() => states.at(-1) === "connected", { interval: 0 });
  happen();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(server.clients.size).toBe(1);
});

test("a page that wakes up and then hears that its connection has ended connects at once, and only once", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  connect();
  const first = await nextClient();
  await vi.waitUntil(() => states.at(-1) === "connected", { interval: 0 });
  connection?.resume(); // the browser shows the page; the close of its connection is still in the queue
  const again = nextClient();
  first.close(1013, "nothing was heard for too long");
  await vi.waitUntil(() => states.at(-1) === "reconnecting", { interval: 0 });
  await vi.advanceTimersByTimeAsync(0);
  const second = await again;
  await vi.waitUntil(() => states.at(-1) === "connected", { interval: 0 });
  second.terminate();
  await vi.waitUntil(() => states.at(-1) === "reconnecting", { interval: 0 });
  await vi.advanceTimersByTimeAsync(FIRST_RETRY_MS - 1);
  expect(server.clients.size).toBe(0);
});

test("while it is paused nothing is tried, not even when the network returns", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
  connect();
  const first = await nextClient();
  const gone = new Promise((resolve) => first.once("close", resolve));
  await vi.waitUntil(() => states.at(-1) === "connected", { interval: 0 });
  connection?.pause();
  await gone;
  network.dispatchEvent(new Event("online"));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(vi.getTimerCount()).toBe(0);
  expect(server.clients.size).toBe(0);
  const again = nextClient();
  connection?.resume();
  await again;
  await vi.waitUntil(() => states.at(-1) === "connected", { interval: 0 });
});

test("the server hears a ping every ten seconds", async () => {
  expect(PING_EVERY_MS).toBe(10_000);
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "Date"] });
  connect();
  const client = await nextClient();
  const heard: string[] = [];
  client.on("message", (data: Buffer) => { heard.push(data.toString()); client.send("pong"); });
  await vi.waitUntil(() => states.at(-1) === "connected", { interval: 0 });
  for (let round = 1; round <= 3; round += 1) {
    vi.advanceTimersByTime(PING_EVERY_MS);
    await vi.waitUntil(() => heard.length === round, { interval: 0 });
  }
  expect(heard).toEqual(["ping", "ping", "ping"]);
});

test("a closed stream stays closed", async () => {
  connect();
  const client = await nextClient();
  await vi.waitUntil(() => states.at(-1) === "connected", { interval: 0 });
  const closed = new Promise((resolve) => client.once("close", resolve));
  connection?.close();
  await closed;
  expect(states.at(-1)).toBe("closed");
  expect(states).not.toContain("reconnecting");
});

test("the address follows the page's", () => {
  expect(socketUrl("/ws/viewer/live", { protocol: "https:", host: "lot.example" })).toBe("wss://lot.example/ws/viewer/live");
  expect(socketUrl("/ws/viewer/live", { protocol: "http:", host: "h:1" })).toMatch(/^ws:\/\/h:1\//);
});
