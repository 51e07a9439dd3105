/** Which part of a picture is shown: `scale` 1 is all of it; `x` and `y` shift it, in pixels of the screen. */
export interface View {
  scale: number;
  x: number;
  y: number;
}

export const WHOLE: View = { scale: 1, x: 0, y: 0 };
const SCALE_MAX = 8;

/** The view, kept so that the picture always fills the stage. */
export function withinStage({ scale, x, y }: View, width: number, height: number): View {
  const kept = Math.min(SCALE_MAX, Math.max(1, scale));
  return {
    scale: kept,
    x: Math.min(0, Math.max(width * (1 - kept), x)),
    y: Math.min(0, Math.max(height * (1 - kept), y)),
  };
}

/** The view zoomed by `factor`, so that the point under (`atX`, `atY`) of the stage stays where it is. */
export function zoomedAt(view: View, factor: number, atX: number, atY: number, width: number, height: number): View {
  const scale = Math.min(SCALE_MAX, Math.max(1, view.scale * factor));
  const ratio = scale / view.scale;
  return withinStage({ scale, x: atX - (atX - view.x) * ratio, y: atY - (atY - view.y) * ratio }, width, height);
}
