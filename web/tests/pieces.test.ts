import { expect, test } from "vitest";

import { duration, percent, shortTime } from "../src/shared/format";
import { nameLength } from "../src/shared/nameLength";
import { FpsMeter } from "../src/stream/fps";

test("frames a second are counted over the last seconds", () => {
  const meter = new FpsMeter();
  let fps = meter.tick(0);
  expect(fps).toBe(0);
  for (let at = 100; at <= 5000; at += 100) fps = meter.tick(at);
  expect(fps).toBeCloseTo(10);
  expect(meter.tick(60_000)).toBe(0);
});

test.each([
  [-30, "0 ms"], [42.4, "42 ms"], [9999, "9999 ms"], [9999.6, "10 s"], [99_000, "99 s"], [100_000, "2 min"],
  [3 * 3_600_000, "3 h"], [322 * 86_400_000, "322 days"],
])("%d ms is shown as %s", (ms, shown) => {
  const { value, unit } = duration(ms);
  expect(`${value} ${unit}`).toBe(shown);
});

test("names make room for themselves, within reason", () => {
  expect(nameLength([])).toEqual({ "--name-length": 2 });
  expect(nameLength(["A1", "Visitors 12"])).toEqual({ "--name-length": 11 });
  expect(nameLength(["x".repeat(64)])).toEqual({ "--name-length": 14 });
});

test("nothing of nothing is no share", () => {
  expect(percent(0, 0)).toBe(0);
  expect(percent(1, 3)).toBe(33);
});

test("a time of today is told without its day", () => {
  const noon = new Date(2026, 10, 28, 12, 5).getTime();
  expect(shortTime(noon, noon + 3_600_000)).toMatch(/^12:05/);
  expect(shortTime(noon, noon + 86_400_000)).toMatch(/28/);
});
