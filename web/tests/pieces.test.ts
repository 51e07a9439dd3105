import { expect, test } from "vitest";

import { duration, percent } from "../src/shared/format";
import { nameLength } from "../src/shared/nameLength";
import { FpsMeter } from "../src/stream/fps";
import { NewestOnly } from "../src/stream/newest";

test("while one item is worked on, the newest waits and the others are skipped", async () => {
  const done: number[] = [];
  let finish: () => void = () => undefined;
  const newest = new NewestOnly<number>(async (item) => {
    await new Promise<void>((resolve) => { finish = resolve; });
    done.push(item);
  });
  for (const item of [1, 2, 3, 4]) newest.offer(item);
  finish();
  await Promise.resolve();
  await Promise.resolve();
  finish();
  await Promise.resolve();
  expect(done).toEqual([1, 4]);
  expect(newest.skipped).toBe(2);
});

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
