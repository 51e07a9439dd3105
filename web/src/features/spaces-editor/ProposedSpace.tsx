import type { DraftSpace } from "./proposals";

interface Props {
  draft: DraftSpace;
  size: { width: number; height: number };
  isLit: boolean;
  /** A click accepts it; otherwise the pointer draws through. */
  isSolid: boolean;
  onAccept: () => void;
}

/** A proposed space on the editor's picture. The list beside it offers the same to the keyboard. */
export function ProposedSpace({ draft, size, isLit, isSolid, onAccept }: Props) {
  const classes = ["proposed", isLit ? "proposed-lit" : "", isSolid ? "proposed-solid" : ""].join(" ");
  return (
    <polygon
      className={classes}
      points={draft.polygon.map(([x, y]) => `${x * size.width},${y * size.height}`).join(" ")}
      onClick={(event) => { if (isSolid) { event.stopPropagation(); onAccept(); } }}
      {...(isSolid ? { "data-no-pan": true } : {})}
    />
  );
}
