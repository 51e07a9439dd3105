import { memo } from "react";

import type { Point } from "../../shared/geometry";
import type { SceneVehicle } from "../../live/scene";

/** Of a box only its corners are drawn, this share of each side: the vehicle stays to be seen. */
const CORNER_SHARE = 0.22;

interface Props {
  vehicles: readonly SceneVehicle[];
  trails: ReadonlyMap<number, readonly Point[]>;
  /** Of the frame that they refer to, in pixels. */
  width: number;
  height: number;
  hasBoxes: boolean;
  hasTrails: boolean;
}

/** The vehicles over the picture, quieter than the spaces: the corners of their boxes, and the ways of those that move. */
export const VehicleLayer = memo(function VehicleLayer({ vehicles, trails, width, height, hasBoxes, hasTrails }: Props) {
  const boxes = hasBoxes ? vehicles.map(cornersOf).join("") : "";
  const ways = hasTrails ? [...trails.values()].map((points) => `M${points.map(([x, y]) => `${Math.round(x)} ${Math.round(y)}`).join("L")}`).join("") : "";
  return (
    <svg className="vehicle-layer" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
      {ways !== "" && <path className="vehicle-ground" d={ways} />}
      {ways !== "" && <path className="vehicle-trail" d={ways} />}
      {boxes !== "" && <path className="vehicle-ground" d={boxes} />}
      {boxes !== "" && <path className="vehicle-box" d={boxes} />}
    </svg>
  );
});

/** The four corners of a box as a path. */
export function cornersOf({ x, y, width, height }: Pick<SceneVehicle, "x" | "y" | "width" | "height">): string {
  const dx = Math.round(width * CORNER_SHARE);
  const dy = Math.round(height * CORNER_SHARE);
  const [right, bottom] = [x + width, y + height];
  return `M${x} ${y + dy}V${y}H${x + dx}M${right - dx} ${y}H${right}V${y + dy}M${right} ${bottom - dy}V${bottom}H${right - dx}M${x + dx} ${bottom}H${x}V${bottom - dy}`;
}
