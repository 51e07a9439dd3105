import { MantineProvider } from "@mantine/core";
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";

import type { CameraView, ProcessView, SystemView } from "../src/api/client";
import { droppedOf } from "../src/features/system/drops";
import { DroppedTable } from "../src/features/system/DroppedTable";
import { Processes, shortId } from "../src/features/system/Processes";
import { troubleOf } from "../src/features/system/trouble";
import { de } from "../src/i18n/de";
import { en } from "../src/i18n/en";

afterEach(cleanup);

function process(role: ProcessView["role"], changes: Partial<ProcessView> = {}): ProcessView {
  return {
    role, id: `${role}-vm-7-abc123`, host: "garage", version: "0.2.0", heartbeat_age_s: 0.3, clock_skew_ms: 2, up_s: 90,
    cpu_cores: 0.25, memory_bytes: 90_000_000, cameras: role === "gateway" ? null : 2, viewers: role === "gateway" ? 1 : null, dropped: [],
    ...changes,
  };
}

function system(changes: Partial<SystemView> = {}): SystemView {
  return {
    at: 1000, missing: [], cameras: [], processes: [process("ingest"), process("detector"), process("gateway")],
    redis: { version: "8.2.3", used_bytes: 11_000_000, limit_bytes: 0, level: "ok", save_failed: false, clients: 3, commands_per_s: 9 },
    ...changes,
  };
}

test("a system that works has no trouble", () => {
  expect(troubleOf(system())).toEqual([]);
});

test.each<[string, SystemView, string]>([
  ["a role that does not run", system({ missing: ["detector"] }), "No detector runs"],
  ["a full Redis", system({ redis: { ...system().redis, level: "full" } }), "Redis is full"],
  ["a tight Redis", system({ redis: { ...system().redis, level: "tight" } }), "almost full"],
  ["a disk that takes nothing", system({ redis: { ...system().redis, save_failed: true } }), "cannot save"],
  ["a clock behind", system({ processes: [process("ingest", { clock_skew_ms: -2500 })] }), "The clock of garage is 2 s behind"],
  ["a clock ahead", system({ processes: [process("ingest", { clock_skew_ms: 700 })] }), "1 s ahead"],
  ["two versions", system({ processes: [process("ingest"), process("gateway", { version: "0.1.9" })] }), "0.1.9, 0.2.0"],
])("%s is told in a sentence with what to do", (_, told, words) => {
  const trouble = troubleOf(told);
  expect(trouble).toHaveLength(1);
  expect(trouble[0]).toContain(words);
});

test("one host's clock is told once, however many processes run there", () => {
  const skewed = { clock_skew_ms: 3000 };
  expect(troubleOf(system({ processes: [process("ingest", skewed), process("detector", skewed)] }))).toHaveLength(1);
});

test("what was left out is told by camera, the odd before the usual", () => {
  const told = system({
    cameras: [{
      id: "CAM1", ingest: null, detector: null, latency_ms: null, lag: null,
      dropped: [{ where: "detector", cause: "newer", frames: 900 }, { where: "detector", cause: "failed", frames: 3 }],
    }],
    processes: [process("gateway", { dropped: [{ where: "send", cause: "newer", frames: 5 }] }), process("detector", { dropped: [{ where: "detect", cause: "newer", frames: 900 }] })],
  });
  const found = droppedOf(told, [{ id: "CAM1", name: "North lot" } as CameraView]);
  expect(found.map(({ whose, pictures, isUsual }) => [whose, pictures, isUsual])).toEqual([["North lot", 3, false], ["North lot", 900, true], ["garage", 5, true]]);
  expect(found[0]?.why).toBe(en.system.cause.failed);
});

test("a cause that this page does not know yet is shown as it is", () => {
  const told = system({ processes: [process("gateway", { host: null, dropped: [{ where: "new", cause: "brand-new", frames: 1 }] })] });
  expect(droppedOf(told, [])[0]).toMatchObject({ whose: "gateway-vm-7-abc123", where: "new", why: "brand-new" });
});

test("processes and drops are tables that a person can read", () => {
  render(<MantineProvider><Processes processes={system().processes} /><DroppedTable dropped={[]} /></MantineProvider>);
  expect(screen.getAllByRole("row")).toHaveLength(4);
  expect(screen.getByRole("rowheader", { name: /Reads cameras/ }).textContent).toContain("abc123");
  expect(screen.getAllByText("2 cameras")).toHaveLength(2);
  expect(screen.getByText(en.system.droppedNone)).toBeTruthy();
  expect(shortId("detector-vm-7-abc123")).toBe("abc123");
});

test("German knows each place and cause that English knows", () => {
  expect(Object.keys(de.system.cause).sort()).toEqual(Object.keys(en.system.cause).sort());
  expect(Object.keys(de.system.where).sort()).toEqual(Object.keys(en.system.where).sort());
});
