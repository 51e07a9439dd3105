import { memo } from "react";

import type { SpaceState } from "../../api/client";
import { text } from "../../i18n";
import { stateOf } from "../../shared/counts";
import { centroid, nameHeight, nameWidth, type Point } from "../../shared/geometry";
import type { Space } from "../../stream/message";

/** A name is at most this high, as a share of the picture: it must not hide the vehicle. */
const NAME_SHARE_MAX = 0.03;

interface Props {
  spaces: Space[];
  width: number;
  height: number;
  hasNames: boolean;
  chosen: string | null;
  onChoose: (spaceId: string | null) => void;
}

/** The spaces over the picture: filled and named; taken, free and unknown told apart by colour, by the plate under the name (full, open, dashed), and by the outline. */
export const SpaceLayer = memo(function SpaceLayer({ spaces, width, height, hasNames, chosen, onChoose }: Props) {
  return (
    <svg className="space-layer" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
      {spaces.map((space) => (
        <SpaceShape
          key={space.space_id}
          points={(space.polygon ?? []).map(([x, y]): Point => [x * width, y * height])}
          name={space.space_name}
          state={stateOf(space)}
          hasName={hasNames}
          nameHeightMax={height * NAME_SHARE_MAX}
          isChosen={space.space_id === chosen}
          onClick={() => { onChoose(space.space_id === chosen ? null : space.space_id); }}
        />
      ))}
    </svg>
  );
}, (before, after) =>
  before.width === after.width && before.height === after.height && before.hasNames === after.hasNames &&
  before.chosen === after.chosen && haveSameStates(before.spaces, after.spaces));

/** Whether nothing of the spaces has changed that is drawn. */
export function haveSameStates(before: Space[], after: Space[]): boolean {
  return before.length === after.length && before.every((space, index) => {
    const other = after[index];
    return other !== undefined && space.space_id === other.space_id && space.space_name === other.space_name
      && stateOf(space) === stateOf(other) && String(space.polygon) === String(other.polygon);
  });
}

interface ShapeProps {
  points: Point[];
  name: string;
  state: SpaceState;
  hasName: boolean;
  nameHeightMax: number;
  isChosen: boolean;
  onClick: () => void;
}

function SpaceShape({ points, name, state, hasName, nameHeightMax, isChosen, onClick }: ShapeProps) {
  if (points.length < 3) {
    return null;
  }
  const [x, y] = centroid(points);
  const outline = points.map((point) => point.join(",")).join(" ");
  const classes = `space-shape space-shape-${state}${isChosen ? " space-shape-chosen" : ""}`;
  const size = nameHeight(points, name, nameHeightMax);
  const [plateWidth, plateHeight] = [nameWidth(name, size) + size * 0.7, size * 1.45];
  return (
    <g className={classes} onClick={onClick}>
      <title>{`${name}: ${text.state[state]}`}</title>
      <polygon points={outline} />
      {hasName && (
        <>
          <rect x={x - plateWidth / 2} y={y - plateHeight / 2} width={plateWidth} height={plateHeight} rx={plateHeight * 0.25} />
          <text x={x} y={y} fontSize={size}>{name}</text>
        </>
      )}
    </g>
  );
}
