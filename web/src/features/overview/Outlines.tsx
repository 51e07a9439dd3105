import { memo } from "react";

import type { SpaceState } from "../../live/messages";
import type { SceneSpace } from "../../live/scene";

interface Props {
  spaces: readonly SceneSpace[];
  /** Of the picture, in pixels. */
  width: number;
  height: number;
}

const STATES: readonly SpaceState[] = ["occupied", "unknown", "free"];

/** The spaces on a tile, by state: one path each, since a wall has hundreds of them. */
export const Outlines = memo(function Outlines({ spaces, width, height }: Props) {
  return (
    <svg className="tile-outlines" viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
      {STATES.map((state) => {
        const paths = spaces.filter((space) => space.state === state && space.polygon.length > 2).map(({ polygon }) => (
          `M${polygon.map(([x, y]) => `${Math.round(x * width)} ${Math.round(y * height)}`).join("L")}Z`
        ));
        return paths.length > 0 && <path key={state} className={`outline-${state}`} d={paths.join("")} />;
      })}
    </svg>
  );
});
