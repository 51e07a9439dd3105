import { useCallback, useEffect, useRef, useState, type RefObject } from "react";

import { WHOLE, withinStage, zoomedAt, type View } from "./zoom";

const STEP = 1.5;
/** One press of an arrow key shows what lies this share of the stage further on. */
const PAN_SHARE = 0.15;
const WHEEL_SPEED = 0.0015;
/** A pointer that moved less than this was a click, in pixels. */
const CLICK_MOVES_MAX = 4;

export interface Zoom {
  stage: RefObject<HTMLDivElement | null>;
  view: View;
  zoomIn: () => void;
  zoomOut: () => void;
  reset: () => void;
  /** Shows what lies further on: -1, 0 or 1 steps to the right and down. */
  pan: (right: number, down: number) => void;
}

/** Zoom with wheel (Ctrl or a zoomed picture), buttons and two fingers; pan by dragging a zoomed picture, or in steps. */
export function useZoom(): Zoom {
  const stage = useRef<HTMLDivElement>(null);
  const [view, setView] = useState<View>(WHOLE);

  useEffect(() => {
    const target = stage.current;
    if (target === null) {
      return;
    }
    const pointers = new Map<number, { x: number; y: number }>();
    let moved = 0;
    const size = () => [target.clientWidth, target.clientHeight] as const;
    const at = (event: PointerEvent | WheelEvent) => {
      const box = target.getBoundingClientRect();
      return { x: event.clientX - box.left, y: event.clientY - box.top };
    };
    const onWheel = (event: WheelEvent) => {
      const { x, y } = at(event);
      setView((before) => {
        if (!event.ctrlKey && before.scale === 1 && event.deltaY > 0) {
          return before;
        }
        return zoomedAt(before, Math.exp(-event.deltaY * WHEEL_SPEED), x, y, ...size());
      });
      event.preventDefault();
    };
    const onDown = (event: PointerEvent) => {
      if (event.target instanceof Element && event.target.closest("[data-no-pan]") !== null) {
        return;
      }
      pointers.set(event.pointerId, at(event));
      moved = 0;
    };
    const onMove = (event: PointerEvent) => {
      const before = pointers.get(event.pointerId);
      if (before === undefined) {
        return;
      }
      const now = at(event);
      const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
      pointers.set(event.pointerId, now);
      moved += Math.hypot(now.x - before.x, now.y - before.y);
      if (other !== undefined) {
        const factor = Math.hypot(now.x - other.x, now.y - other.y) / Math.max(1, Math.hypot(before.x - other.x, before.y - other.y));
        setView((view) => zoomedAt(view, factor, (now.x + other.x) / 2, (now.y + other.y) / 2, ...size()));
      } else if (moved > CLICK_MOVES_MAX) {
        setView((view) => withinStage({ ...view, x: view.x + now.x - before.x, y: view.y + now.y - before.y }, ...size()));
      }
    };
    const onUp = (event: PointerEvent) => { pointers.delete(event.pointerId); };
    const onClick = (event: MouseEvent) => {
      if (moved > CLICK_MOVES_MAX) {
        event.stopPropagation(); // the end of a drag is no click on what lies under it
        moved = 0;
      }
    };
    target.addEventListener("wheel", onWheel, { passive: false });
    target.addEventListener("pointerdown", onDown);
    window.addEventListener("pointermove", onMove);
    window.addEventListener("pointerup", onUp);
    window.addEventListener("pointercancel", onUp);
    target.addEventListener("click", onClick, { capture: true });
    return () => {
      target.removeEventListener("wheel", onWheel);
      target.removeEventListener("pointerdown", onDown);
      window.removeEventListener("pointermove", onMove);
      window.removeEventListener("pointerup", onUp);
      window.removeEventListener("pointercancel", onUp);
      target.removeEventListener("click", onClick, { capture: true });
    };
  }, []);

  const step = useCallback((factor: number) => {
    const target = stage.current;
    if (target !== null) {
      const { clientWidth: width, clientHeight: height } = target;
      setView((before) => zoomedAt(before, factor, width / 2, height / 2, width, height));
    }
  }, []);
  const zoomIn = useCallback(() => { step(STEP); }, [step]);
  const zoomOut = useCallback(() => { step(1 / STEP); }, [step]);
  const reset = useCallback(() => { setView(WHOLE); }, []);
  const pan = useCallback((right: number, down: number) => {
    const target = stage.current;
    if (target !== null) {
      const { clientWidth: width, clientHeight: height } = target;
      setView((before) => withinStage({ ...before, x: before.x - right * width * PAN_SHARE, y: before.y - down * height * PAN_SHARE }, width, height));
    }
  }, []);
  return { stage, view, zoomIn, zoomOut, reset, pan };
}
