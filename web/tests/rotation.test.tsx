import { act, renderHook } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { TURN_EVERY_MS, useRotation } from "../src/features/overview/useRotation";

beforeEach(() => { vi.useFakeTimers(); });
afterEach(() => { vi.useRealTimers(); localStorage.clear(); });

const pass = (ms: number) => { act(() => { vi.advanceTimersByTime(ms); }); };
const press = (key: string) => { act(() => { window.dispatchEvent(new KeyboardEvent("keydown", { key })); }); };

test("pages take turns and begin again; there may be fewer of them at any time", () => {
  const { result, rerender } = renderHook(({ pages }) => useRotation(pages, false), { initialProps: { pages: 3 } });
  const seen = [result.current.page];
  for (let turn = 0; turn < 3; turn += 1) {
    pass(TURN_EVERY_MS);
    seen.push(result.current.page);
  }
  expect(seen).toEqual([0, 1, 2, 0]);
  pass(2 * TURN_EVERY_MS - 1);
  expect(result.current.page).toBe(1);
  rerender({ pages: 1 });
  expect(result.current.page).toBe(0);
  expect(vi.getTimerCount(), "one page has no turns").toBe(0);
});

test("arrow keys go on and back, and the next turn comes a whole span later", () => {
  const { result } = renderHook(() => useRotation(3, false));
  pass(TURN_EVERY_MS - 1);
  press("ArrowLeft");
  expect(result.current.page).toBe(2);
  pass(TURN_EVERY_MS - 1);
  expect(result.current.page).toBe(2);
  press("ArrowRight");
  expect(result.current.page).toBe(0);
});

test("turns are halted, and stay so, but not in a kiosk", () => {
  const { result, unmount } = renderHook(() => useRotation(2, false));
  act(() => { result.current.setTurning(false); });
  pass(10 * TURN_EVERY_MS);
  expect(result.current).toMatchObject({ page: 0, isTurning: false });
  unmount();
  expect(renderHook(() => useRotation(2, false)).result.current.isTurning).toBe(false);
  expect(renderHook(() => useRotation(2, true)).result.current.isTurning).toBe(true);
});
