import { QueryClient } from "@tanstack/react-query";
import { expect, test } from "vitest";

import type { CameraView } from "../src/api/client";
import { camerasQuery, withStatuses } from "../src/api/queries";

const LISTED: CameraView = {
  id: "A", name: "Gate three", url: "http://ann:***@host/", fps: 10, version: "v2", viewers: 0, enabled: true, registered: true,
  occupancy: { total: 4, occupied: 1, free: 3, unknown: 0 },
  status: { state: "live" } as CameraView["status"],
};

function listWith(told: CameraView): QueryClient {
  const queries = new QueryClient();
  queries.setQueryData(camerasQuery.queryKey, [LISTED]);
  withStatuses(queries, [{ camera_id: "A", status: told }]);
  return queries;
}

test("how a camera does is taken from the live connection, its address is kept", () => {
  const occupancy = { ...LISTED.occupancy, occupied: 2, free: 2 };
  const queries = listWith({ ...LISTED, url: "http://host/", viewers: 3, occupancy });
  expect(queries.getQueryData(camerasQuery.queryKey)).toEqual([{ ...LISTED, viewers: 3, occupancy }]);
  expect(queries.getQueryState(camerasQuery.queryKey)?.isInvalidated).toBe(false);
});

test("a status from before a change does not undo it on the page, and the list is asked for again", () => {
  const queries = listWith({ ...LISTED, name: "Gate 3", version: "v1", viewers: 3 });
  expect(queries.getQueryData(camerasQuery.queryKey)).toEqual([LISTED]);
  expect(queries.getQueryState(camerasQuery.queryKey)?.isInvalidated).toBe(true);
});
