import { memo } from "react";

import { text } from "../../i18n";
import type { SceneSpace } from "../../live/scene";
import { centroid, nameHeight, nameWidth, type Point } from "../../shared/geometry";

/** A name is at most this high, as a share of the picture: it must not hide the vehicle. */
const NAME_SHARE_MAX = 0.03;

/** What list and picture know of each other. */
export interface Pointing {
  chosen: string | null;
  onChoose: (spaceId: string | null) => void;
  /** Under the pointer, or with the keyboard's focus. */
  pointed: string | null;
  onPoint: (spaceId: string | null) => void;
}

interface Props extends Pointing {
  spaces: readonly SceneSpace[];
  width: number;
  height: number;
  hasNames: boolean;
  /** Shows only what is chosen or pointed at: the picture has the spaces drawn in. */
  isQuiet: boolean;
}

/** The spaces over the picture: filled and named; taken, free and unknown told apart by colour, by the plate under the name (full, open, dashed), and by the outline. */
export const SpaceLayer = memo(function SpaceLayer({ spaces, width, height, hasNames, isQuiet, chosen, onChoose, pointed, onPoint }: Props) {
  return (
    <svg className={isQuiet ? "space-layer space-layer-quiet" : "space-layer"} viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
      {spaces.map((space) => (
        <SpaceShape
          key={space.id}
          points={space.polygon.map(([x, y]): Point => [x * width, y * height])}
          space={space}
          hasName={hasNames && !isQuiet}
          nameHeightMax={height * NAME_SHARE_MAX}
          mark={space.id === chosen ? "chosen" : space.id === pointed ? "pointed" : null}
          onClick={() => { onChoose(space.id === chosen ? null : space.id); }}
          onPoint={onPoint}
        />
      ))}
    </svg>
  );
}, (before, after) =>
  before.width === after.width && before.height === after.height && before.hasNames === after.hasNames && before.isQuiet === after.isQuiet &&
  before.chosen === after.chosen && before.pointed === after.pointed && haveSameStates(before.spaces, after.spaces));

/** Whether nothing of the spaces has changed that is drawn. */
export function haveSameStates(before: readonly SceneSpace[], after: readonly SceneSpace[]): boolean {
  return before.length === after.length && before.every((space, index) => {
    const other = after[index];
    return other !== undefined && space.id === other.id && space.name === other.name && space.state === other.state
      && (space.polygon === other.polygon || String(space.polygon) === String(other.polygon));
  });
}

interface ShapeProps {
  points: Point[];
  space: SceneSpace;
  hasName: boolean;
  nameHeightMax: number;
  mark: "chosen" | "pointed" | null;
  onClick: () => void;
  onPoint: (spaceId: string | null) => void;
}

function SpaceShape({ points, space: { id, name, state }, hasName, nameHeightMax, mark, onClick, onPoint }: ShapeProps) {
  if (points.length < 3) {
    return null;
  }
  const [x, y] = centroid(points);
  const outline = points.map((point) => point.join(",")).join(" ");
  const classes = `space-shape space-shape-${state}${mark === null ? "" : ` space-shape-${mark}`}`;
  const size = nameHeight(points, name, nameHeightMax);
  const [plateWidth, plateHeight] = [nameWidth(name, size) + size * 0.7, size * 1.45];
  return (
    <g className={classes} onClick={onClick} onPointerEnter={() => { onPoint(id); }} onPointerLeave={() => { onPoint(null); }}>
      <title>{`${name}: ${text.state[state]}`}</title>
      <polygon points={outline} />
      {hasName && (
        <g className="space-name">
          <rect x={x - plateWidth / 2} y={y - plateHeight / 2} width={plateWidth} height={plateHeight} rx={plateHeight * 0.25} />
          <text x={x} y={y} fontSize={size}>{name}</text>
        </g>
      )}
    </g>
  );
}
