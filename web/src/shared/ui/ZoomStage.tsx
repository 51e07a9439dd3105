import { ActionIcon } from "@mantine/core";
import { IconMinus, IconPlus, IconZoomReset } from "@tabler/icons-react";
import { memo, type KeyboardEvent, type ReactNode } from "react";

import { text } from "../../i18n";
import type { Zoom } from "../useZoom";

/** Names grow more slowly than the picture, as the power of its scale that this leaves. */
const NAME_SHRINKS = 0.6;
const ARROWS: Record<string, [number, number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

interface Props {
  zoom: Zoom;
  /** Width by height of the picture. */
  ratio: number;
  /** What lies over the picture and does not zoom with it. */
  overlay?: ReactNode;
  children: ReactNode;
}

/** A picture with what is drawn on it, to be zoomed and panned together. */
export function ZoomStage({ zoom: { stage, view, zoomIn, zoomOut, reset, pan }, ratio, overlay, children }: Props) {
  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    const arrow = event.target === event.currentTarget ? ARROWS[event.key] : undefined; // elsewhere arrows move what is chosen
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "+") zoomIn();
    else if (event.key === "-") zoomOut();
    else if (arrow !== undefined && view.scale > 1) pan(...arrow);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div className="zoom-frame">
      <div
        ref={stage}
        className={view.scale > 1 ? "zoom-stage zoom-stage-near" : "zoom-stage"}
        tabIndex={0}
        role="group"
        aria-label={text.camera.zoomHint}
        onKeyDown={onKeyDown}
        style={{ aspectRatio: String(ratio), "--ratio": ratio } as React.CSSProperties}
      >
        <div className="zoom-content" style={{ transform: `translate(${view.x}px, ${view.y}px) scale(${view.scale})`, "--zoom": view.scale, "--name-scale": view.scale ** -NAME_SHRINKS } as React.CSSProperties}>
          {children}
        </div>
      </div>
      <ZoomButtons isNear={view.scale > 1} onIn={zoomIn} onOut={zoomOut} onReset={reset} />
      {overlay}
    </div>
  );
}

interface ButtonsProps {
  isNear: boolean;
  onIn: () => void;
  onOut: () => void;
  onReset: () => void;
}

const ZoomButtons = memo(function ZoomButtons({ isNear, onIn, onOut, onReset }: ButtonsProps) {
  const { zoomIn, zoomOut, zoomReset } = text.camera;
  return (
    <div className="zoom-buttons" role="group" data-no-pan>
      <ActionIcon variant="default" size="lg" aria-label={zoomIn} onClick={onIn}><IconPlus size="1.1rem" aria-hidden /></ActionIcon>
      {isNear && (
        <>
          <ActionIcon variant="default" size="lg" aria-label={zoomOut} onClick={onOut}><IconMinus size="1.1rem" aria-hidden /></ActionIcon>
          <ActionIcon variant="default" size="lg" aria-label={zoomReset} onClick={onReset}><IconZoomReset size="1.1rem" aria-hidden /></ActionIcon>
        </>
      )}
    </div>
  );
});
