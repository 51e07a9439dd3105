// @vitest-environment node
import { createServer, type RequestListener, type Server } from "node:http";
import { afterEach, expect, test, vi } from "vitest";

import { problemOf, request, RequestError, sentence } from "../src/api/request";
import { de } from "../src/i18n/de";
import { ServerClock } from "../src/shared/serverClock";

let server: Server | null = null;

afterEach(() => { server?.closeAllConnections(); server?.close(); server = null; });

async function serve(answer: RequestListener): Promise<string> {
  const started = createServer(answer);
  server = started;
  await new Promise<void>((resolve) => started.listen(0, "127.0.0.1", resolve));
  const address = started.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return `http://127.0.0.1:${address.port}/`;
}

test("a gateway that does not answer is said to be silent, in words", async () => {
  const url = await serve(() => undefined);
  await expect(request(new Request(url), 50)).rejects.toThrow(/did not answer within 0.05 s/);
});

test("a gateway that is not there cannot be reached", async () => {
  const url = await serve(() => undefined);
  server?.close();
  await expect(request(new Request(url))).rejects.toThrow(/cannot be reached/);
});

test("who goes away hears of no failure", async () => {
  const url = await serve(() => undefined);
  const abort = new AbortController();
  const asked = request(new Request(url, { signal: abort.signal }));
  abort.abort();
  await expect(asked).rejects.not.toBeInstanceOf(RequestError);
  await expect(request(new Request(url, { signal: abort.signal }))).rejects.not.toBeInstanceOf(RequestError);
});

test.each([
  [503, { title: "Not available", status: 503, detail: "Redis is full; delete old cameras" }, "Redis is full; delete old cameras."],
  [503, "<html>nginx</html>", "The gateway is not available just now. It is tried again by itself."],
  [500, {}, "The gateway could not do this (error 500). Its log says more."],
  [422, { detail: [{ loc: [] }] }, "The gateway could not do this (error 422). Its log says more."],
  [403, undefined, "Your log-in does not allow this."],
])("an answer %s is told in words", (status, body, words) => {
  const problem = problemOf(status, body);
  expect([problem.status, problem.message]).toEqual([status, words]);
});

test.each([
  [409, "id: there is a camera 'gate' already", "id: Eine Kamera mit dieser Kennung gibt es schon. Wählen Sie eine andere."],
  [404, "no camera 'gate'", "Das gibt es nicht (mehr)."],
  [412, "others changed it", "Jemand anderes hat das inzwischen geändert. Laden Sie es neu."],
  [422, "url: has no host", "url: Das Gateway sagt auf Englisch: Has no host."],
  [503, "Redis is full; delete old cameras", "Das Gateway sagt auf Englisch: Redis is full; delete old cameras."],
])("a German page tells an answer %s in German as far as it can", async (status, detail, words) => {
  vi.resetModules();
  vi.doMock("../src/i18n", () => ({ text: de, currentLanguage: () => "de" }));
  const { problemOf: toldInGerman } = await import("../src/api/request");
  vi.doUnmock("../src/i18n");
  expect(toldInGerman(status, { detail }).message).toBe(words);
});

test("a sentence has a capital and an end", () => {
  expect(["redis is away", "Really?", " wait… "].map(sentence)).toEqual(["Redis is away.", "Really?", "Wait…"]);
});

const SERVER = Date.parse("2026-11-28T12:00:00Z");

function clockThatIs(aheadMs: number) {
  let server = SERVER;
  const clock = new ServerClock(() => server + aheadMs);
  const ask = (atMs: number, roundTripMs: number, headerAgeMs = 0) => {
    server = SERVER + atMs;
    const header = new Date(Math.floor((server - roundTripMs / 2 - headerAgeMs) / 1000) * 1000).toUTCString();
    clock.observe(header, server + aheadMs - roundTripMs, server + aheadMs);
  };
  return { clock, ask };
}

test("a browser whose clock is right keeps its own time", () => {
  const { clock, ask } = clockThatIs(0);
  expect(clock.offsetMs).toBe(0);
  for (const at of [300, 3970, 7040]) ask(at, 20);
  for (const at of [10_300, 13_970, 17_040]) ask(at, 20, 1100); // a header that the server made a while ago
  expect(clock.offsetMs).toBe(0);
});

test.each([-7_200_000, -3500, 5000, 86_400_000])("a browser whose clock is %i ms ahead learns the server's time", (aheadMs) => {
  const { clock, ask } = clockThatIs(aheadMs);
  ask(500, 20);
  expect(Math.abs(clock.offsetMs + aheadMs)).toBeLessThanOrEqual(1020);
  for (const at of [3020, 6970, 9500, 12_010]) ask(at, 20);
  expect(Math.abs(clock.offsetMs + aheadMs)).toBeLessThanOrEqual(40);
});

test("a clock that is set anew is learned anew; what is no date teaches nothing", () => {
  let now = SERVER;
  const clock = new ServerClock(() => now);
  clock.observe(new Date(SERVER).toUTCString(), now, now + 10);
  clock.observe(null, now, now);
  clock.observe("yesterday", now, now);
  expect(clock.offsetMs).toBe(0);
  now -= 60_000;
  clock.observe(new Date(SERVER).toUTCString(), now, now + 10);
  expect(Math.abs(clock.now() - SERVER)).toBeLessThan(1000);
});

test("what messages tell of the time is exact, and the one that was on its way for the shortest time is believed", () => {
  const clock = new ServerClock(() => 100_000);
  const heard: number[] = [];
  clock.subscribe(() => heard.push(clock.offsetMs));
  clock.learn(10_000, 1_000, true);
  clock.learn(11_000, 2_400);
  clock.learn(11_502, 2_500);
  expect(clock.now()).toBe(109_000);
  expect(heard, "two milliseconds are no news").toEqual([9000]);
  clock.learn(5_000, 4_000, true); // a clock was set, and a new connection says so
  expect(clock.now()).toBe(101_000);
});

test("what was told long ago is forgotten: clocks drift", () => {
  const clock = new ServerClock(() => 0);
  clock.learn(1_000, 0, true);
  for (const minute of [4, 6, 9]) clock.learn(minute * 60_000 + 900, minute * 60_000);
  expect(clock.offsetMs).toBe(1000);
  clock.learn(12 * 60_000 + 900, 12 * 60_000);
  expect(clock.offsetMs).toBe(900);
});
