import { MantineProvider } from "@mantine/core";
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";

import { ProposalsPanel } from "../src/features/spaces-editor/ProposalsPanel";
import type { Proposals } from "../src/features/spaces-editor/useProposals";

afterEach(() => { cleanup(); });

const DRAFTS = [0.9, 0.4].map((confidence, index) => ({ key: `d${index}`, polygon: [[0, 0], [1, 0], [1, 1], [0, 1]] as [number, number][], confidence }));
const SHOWN: Proposals = {
  isOn: true, isLoading: false, error: null, drafts: DRAFTS, hasAny: true, show: vi.fn(), hide: vi.fn(), remove: vi.fn(), lit: null, light: vi.fn(),
};

function show(change: Partial<Proposals>) {
  const onAccept = vi.fn();
  const proposals = { ...SHOWN, ...change };
  render(<MantineProvider><ProposalsPanel proposals={proposals} onAccept={onAccept} /></MantineProvider>);
  return { proposals, onAccept };
}

test("proposals are accepted all at once or one by one, or deleted", () => {
  const { proposals, onAccept } = show({ remove: vi.fn() });
  expect(screen.getAllByRole("listitem").map((item) => item.textContent)).toEqual(["1: 90 % sure", "2: 40 % sure"]);
  fireEvent.click(screen.getByRole("button", { name: "Accept all 2" }));
  fireEvent.click(screen.getByRole("button", { name: "Accept proposal 2" }));
  fireEvent.click(screen.getByRole("button", { name: "Delete proposal 1" }));
  expect(onAccept.mock.calls).toEqual([[["d0", "d1"]], [["d1"]]]);
  expect(proposals.remove).toHaveBeenCalledWith("d0");
});

test("where there is nothing to propose the panel says what to wait for", () => {
  show({ drafts: [], hasAny: false });
  expect(screen.getByRole("status").textContent).toContain("Wait until some cars have parked");
  expect(screen.queryByRole("list")).toBeNull();
});

test("when all are decided on, that is said; a failure is told in words", () => {
  show({ drafts: [] });
  expect(screen.getByRole("status").textContent).toBe("All proposals are decided on.");
  cleanup();
  show({ drafts: [], hasAny: false, error: new Error("The gateway cannot reach Redis.") });
  expect(screen.getByRole("alert").textContent).toBe("The gateway cannot reach Redis.");
  expect(screen.queryByRole("status")).toBeNull();
});
