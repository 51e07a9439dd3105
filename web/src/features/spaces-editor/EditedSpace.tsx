import { memo, type KeyboardEvent, type PointerEvent } from "react";

import type { ParkingSpace } from "../../api/client";
import { text } from "../../i18n";
import { centroid, nameHeight, type Point } from "../../shared/geometry";

const HANDLE_PX = 7;
/** A finger needs more room than the handle shows. */
const TOUCH_PX = 18;
const NAME_SHARE_MAX = 0.03;
const NAME_LEAST_PX = 9;
const NUDGE = 0.001;
const ARROWS: Record<string, Point> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

interface Props {
  space: ParkingSpace;
  size: { width: number; height: number };
  /** One pixel of the screen in the picture's own. */
  unit: number;
  isSelected: boolean;
  hasHandles: boolean;
  isWrong: boolean;
  /** The pointer takes hold of it; otherwise it draws through. */
  isSolid: boolean;
  onDown: (event: PointerEvent) => void;
  onCornerDown: (event: PointerEvent) => void;
  onCornerNudge: (corner: number, dx: number, dy: number) => void;
}

/** One space on the editor's picture, with handles at its corners where it is the one selected. */
export const EditedSpace = memo(function EditedSpace(props: Props) {
  const { space, size, unit, isSelected, hasHandles, isWrong, isSolid, onDown, onCornerDown, onCornerNudge } = props;
  const points = space.polygon.map(([x, y]): Point => [x * size.width, y * size.height]);
  const [x, y] = centroid(points);
  const nameSize = Math.max(nameHeight(points, space.space_name, size.height * NAME_SHARE_MAX), NAME_LEAST_PX * unit);
  const classes = ["edited", isSelected ? "edited-selected" : "", isWrong ? "edited-wrong" : "", isSolid ? "edited-solid" : ""].join(" ");
  const nudge = (event: KeyboardEvent, corner: number) => {
    const arrow = ARROWS[event.key];
    if (arrow !== undefined) {
      const step = NUDGE * (event.shiftKey ? 10 : 1);
      onCornerNudge(corner, arrow[0] * step, arrow[1] * step);
      event.preventDefault();
      event.stopPropagation();
    }
  };
  return (
    <g className={classes} onClick={(event) => { if (isSolid) event.stopPropagation(); }} {...(isSolid ? { "data-no-pan": true } : {})}>
      <polygon points={points.map((point) => point.join(",")).join(" ")} onPointerDown={onDown} data-space={space.space_name} />
      <text x={x} y={y} fontSize={nameSize} strokeWidth={nameSize * 0.16}>{space.space_name}</text>
      {hasHandles && points.map(([cx, cy], corner) => (
        <g key={corner} className="handle" tabIndex={0} role="button" aria-label={text.editor.corner(corner + 1)} onKeyDown={(event) => { nudge(event, corner); }}>
          <circle className="handle-touch" cx={cx} cy={cy} r={TOUCH_PX * unit} onPointerDown={onCornerDown} />
          <circle className="handle-mark" cx={cx} cy={cy} r={HANDLE_PX * unit} />
        </g>
      ))}
    </g>
  );
});
