import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from "@tanstack/react-router";

import { OverviewPage } from "../features/overview/OverviewPage";
import { ErrorPage, NotFoundPage } from "./ErrorPage";
import { Shell } from "./Shell";

/** What every page's address may say. */
interface Search {
  /** For a screen on a wall. */
  wall?: 1;
  /** For a screen that nobody stands before: a wall without buttons, on which many cameras take turns. */
  kiosk?: 1;
  /** From before there were several pages: leads to the camera's own. */
  camera?: string;
}

function readSearch(search: Record<string, unknown>): Search {
  const isOn = (value: unknown) => value !== undefined && value !== 0 && value !== false;
  const camera = search["camera"];
  return {
    ...(isOn(search["wall"]) ? { wall: 1 as const } : {}),
    ...(isOn(search["kiosk"]) ? { kiosk: 1 as const } : {}),
    ...(typeof camera === "string" || typeof camera === "number" ? { camera: String(camera) } : {}),
  };
}

const root = createRootRoute({ validateSearch: readSearch, component: Shell, notFoundComponent: NotFoundPage });

const overview = createRoute({
  getParentRoute: () => root,
  path: "/",
  beforeLoad: ({ search: { camera, ...search } }) => {
    if (camera !== undefined && camera !== "") {
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- the router's way to lead elsewhere
      throw redirect({ to: "/cameras/$cameraId", params: { cameraId: camera }, search, replace: true });
    }
  },
  component: OverviewPage,
});

const cameras = createRoute({
  getParentRoute: () => root,
  path: "/cameras",
  component: lazyRouteComponent(() => import("../features/cameras/CamerasPage"), "CamerasPage"),
});

const camera = createRoute({
  getParentRoute: () => root,
  path: "/cameras/$cameraId",
  component: lazyRouteComponent(() => import("../features/camera/CameraPage"), "CameraPage"),
});

const spaces = createRoute({
  getParentRoute: () => root,
  path: "/cameras/$cameraId/spaces",
  component: lazyRouteComponent(() => import("../features/spaces-editor/SpacesPage"), "SpacesPage"),
});

const system = createRoute({
  getParentRoute: () => root,
  path: "/system",
  component: lazyRouteComponent(() => import("../features/system/SystemPage"), "SystemPage"),
});

export const router = createRouter({
  routeTree: root.addChildren([overview, cameras, camera, spaces, system]),
  defaultPreload: "intent",
  defaultErrorComponent: ErrorPage,
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
