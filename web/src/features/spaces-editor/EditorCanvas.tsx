import { useElementSize } from "@mantine/hooks";
import { useState, type Dispatch, type PointerEvent } from "react";

import type { ParkingSpace } from "../../api/client";
import { text } from "../../i18n";
import type { Point } from "../../shared/geometry";
import { ZoomStage } from "../../shared/ui/ZoomStage";
import { useZoom } from "../../shared/useZoom";
import { added, cornerMoved, cornerSnapped, moved, nearestCorner, snapped } from "./edits";
import { EditedSpace } from "./EditedSpace";
import type { Action, History } from "./history";
import { firstCounts, planOf, planned, type Counts, type Plan } from "./plan";
import { PlanForm } from "./PlanForm";
import type { Problem } from "./problems";
import { ProposedSpace } from "./ProposedSpace";
import { isQuad, type Quad } from "./shapes";
import type { Tool } from "./Toolbar";
import type { Proposals } from "./useProposals";

/** How near to a corner a point must be to be drawn to it, in pixels of the screen. */
const SNAP_PX = 9;
const RATIO_BEFORE_A_PICTURE = 16 / 9;
/** A space drawn by the keyboard: it appears here and is then moved. */
const MIDDLE: Quad = [[0.45, 0.45], [0.55, 0.45], [0.55, 0.55], [0.45, 0.55]];

interface Props {
  tool: Tool;
  onTool: (tool: Tool) => void;
  history: History;
  dispatch: Dispatch<Action>;
  picture: string | null;
  snaps: boolean;
  problems: Problem[];
  proposals: Proposals;
  /** A proposal was clicked. */
  onAccept: (key: string) => void;
}

type Drag = { key: string; from: Point; original: History["spaces"]; corner: { id: string; index: number } | null };

/** The picture with the spaces on it; what the pointer does there depends on the tool. */
export function EditorCanvas({ tool, onTool, history, dispatch, picture, snaps, problems, proposals, onAccept }: Props) {
  const { spaces, selected } = history;
  const zoom = useZoom();
  const { ref, width: shownWidth } = useElementSize<HTMLDivElement>();
  const [size, setSize] = useState({ width: 1600, height: 1600 / RATIO_BEFORE_A_PICTURE });
  const [drawn, setDrawn] = useState<Point[]>([]);
  const [cursor, setCursor] = useState<Point | null>(null);
  /** Of a row: the space at its first end. */
  const [ends, setEnds] = useState<Point[][]>([]);
  const [plan, setPlan] = useState<Plan | null>(null);
  const [counts, setCounts] = useState<Counts>({ rows: 1, columns: 1 });
  const [drag, setDrag] = useState<Drag | null>(null);
  /** One pixel of the screen in the picture's own. */
  const unit = size.width / Math.max(1, shownWidth * zoom.view.scale);
  const wrong = new Set(problems.map((problem) => problem.spaceId));

  const pointOf = (event: { clientX: number; clientY: number; currentTarget: Element }): Point => {
    const svg = event.currentTarget.closest("svg") ?? event.currentTarget;
    const box = svg.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };
  const snap = (point: Point, except: string | null) => {
    const reach: Point = [(SNAP_PX * unit) / size.width, (SNAP_PX * unit) / size.height];
    return snaps ? snapped(point, spaces, except, reach) : point;
  };

  const onClick = (event: React.MouseEvent<SVGSVGElement>) => {
    if (tool === "select") {
      dispatch({ type: "select", selected: [] });
      return;
    }
    if (plan !== null) return; // how many they are is asked first
    const corners = [...drawn, snap(pointOf(event), null)];
    if (!isQuad(corners)) {
      setDrawn(corners);
      return;
    }
    setDrawn([]);
    if (tool === "draw") dispatch({ type: "change", ...added(spaces, [corners]) });
    else {
      const quads = tool === "row" ? [...ends, corners] : [corners];
      const made = planOf(tool, quads);
      setEnds(made === null ? quads : []);
      setPlan(made);
      if (made !== null) setCounts(firstCounts(made));
    }
  };
  const onMove = (event: PointerEvent<SVGSVGElement>) => {
    const point = pointOf(event);
    if (drag === null) {
      setCursor(tool === "select" ? null : snap(point, null));
      return;
    }
    const { corner, original, from, key } = drag;
    const next = corner === null
      ? moved(original, selected, point[0] - from[0], point[1] - from[1])
      : cornerSnapped(original, corner, point, snap(point, corner.id));
    dispatch({ type: "change", spaces: next, key });
  };
  const begin = (event: PointerEvent, corner: Drag["corner"]) => {
    event.currentTarget.closest("svg")?.setPointerCapture(event.pointerId);
    setDrag({ key: `drag ${event.timeStamp}`, from: pointOf(event), original: spaces, corner });
  };
  const onSpaceDown = (event: PointerEvent, id: string) => {
    if (tool !== "select" || event.button !== 0) {
      return;
    }
    const isChosen = selected.includes(id);
    if (event.shiftKey) dispatch({ type: "select", selected: isChosen ? selected.filter((one) => one !== id) : [...selected, id] });
    else if (isChosen) begin(event, null);
    else dispatch({ type: "select", selected: [id] });
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.key === "Escape" && (drawn.length > 0 || ends.length > 0 || plan !== null)) {
      if (drawn.length > 0) setDrawn(drawn.slice(0, -1));
      else if (plan !== null) setPlan(null);
      else setEnds([]);
    } else if (event.key === "Escape") {
      dispatch({ type: "select", selected: [] });
      onTool("select");
    } else if (event.key === "Enter" && tool === "draw" && event.target === event.currentTarget) {
      dispatch({ type: "change", ...added(spaces, [MIDDLE]) });
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };

  const hints: Record<Tool, string> = { select: text.editor.selectHint, draw: text.editor.drawHint, row: ends.length === 0 ? text.editor.rowHint : text.editor.rowEndHint, grid: text.editor.gridHint };
  const shapes = plan === null ? [] : planned(plan, counts);
  const preview = [...drawn, ...(cursor !== null && drawn.length > 0 ? [cursor] : [])];
  return (
    <div onKeyDown={onKeyDown}>
      <p className="hint editor-hint">{picture === null ? text.editor.noPicture : hints[tool]}</p>
      <div ref={ref}>
        <ZoomStage zoom={zoom} ratio={size.width / size.height}>
          {picture !== null && (
            <img
              src={picture}
              alt=""
              draggable={false}
              onLoad={({ currentTarget: { naturalWidth: width, naturalHeight: height } }) => { setSize({ width, height }); }}
            />
          )}
          <svg
            className={`editor-canvas editor-canvas-${tool}`}
            viewBox={`0 0 ${size.width} ${size.height}`}
            preserveAspectRatio="none"
            role="group"
            aria-label={text.editor.canvas}
            tabIndex={0}
            onClick={onClick}
            onPointerMove={onMove}
            onPointerLeave={() => { setCursor(null); }}
            onPointerUp={() => { setDrag(null); }}
            onPointerCancel={() => { setDrag(null); }}
          >
            {proposals.drafts.map((draft) => (
              <ProposedSpace key={draft.key} draft={draft} size={size} isLit={draft.key === proposals.lit} isSolid={tool === "select"} onAccept={() => { onAccept(draft.key); }} />
            ))}
            {selectedLast(spaces, selected).map((space) => (
              <EditedSpace
                key={space.space_id}
                space={space}
                size={size}
                unit={unit}
                isSelected={selected.includes(space.space_id)}
                hasHandles={tool === "select" && selected.length === 1 && selected[0] === space.space_id}
                isWrong={wrong.has(space.space_id)}
                isSolid={tool === "select"}
                onDown={(event) => { onSpaceDown(event, space.space_id); }}
                onCornerDown={(event) => { begin(event, { id: space.space_id, index: nearestCorner(space.polygon, pointOf(event), size) }); }}
                onCornerNudge={(index, dx, dy) => {
                  const [x, y] = space.polygon[index] ?? [0, 0];
                  dispatch({ type: "change", spaces: cornerMoved(spaces, space.space_id, index, [x + dx, y + dy]), key: `corner ${space.space_id} ${index}` });
                }}
              />
            ))}
            {preview.length > 0 && (
              <g className="editor-preview">
                <polygon points={preview.map(([x, y]) => `${x * size.width},${y * size.height}`).join(" ")} />
                {drawn.map(([x, y], index) => <circle key={index} cx={x * size.width} cy={y * size.height} r={5 * unit} />)}
              </g>
            )}
            {[...(tool === "row" ? ends : []), ...shapes].map((shape, index) => (
              <g key={index} className="editor-preview"><polygon points={shape.map(([x, y]) => `${x * size.width},${y * size.height}`).join(" ")} /></g>
            ))}
          </svg>
        </ZoomStage>
      </div>
      {plan !== null && (
        <PlanForm
          plan={plan}
          counts={counts}
          isRight={shapes.length > 0}
          onCounts={setCounts}
          onCancel={() => { setPlan(null); }}
          onDone={() => {
            dispatch({ type: "change", ...added(spaces, shapes) });
            setPlan(null);
            onTool("select");
          }}
        />
      )}
    </div>
  );
}

/** The spaces in the order in which they are drawn: the corners of a selected one must not lie under its neighbours. */
function selectedLast(spaces: readonly ParkingSpace[], selected: readonly string[]): ParkingSpace[] {
  const isChosen = ({ space_id: id }: ParkingSpace) => selected.includes(id);
  return [...spaces.filter((space) => !isChosen(space)), ...spaces.filter(isChosen)];
}
