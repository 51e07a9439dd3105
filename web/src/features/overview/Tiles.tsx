import { useElementSize, useViewportSize } from "@mantine/hooks";
import type { CSSProperties } from "react";

import type { CameraView } from "../../api/client";
import { useNow } from "../../shared/useNow";
import { deskGrid, largestFit, phoneGrid } from "./layout";
import { pictureFor, tileFps } from "./picture";
import { Tile } from "./Tile";

/** In rem: height of a tile's text, gap between tiles, the least width of a tile, what stands above and below the tiles. */
const TEXT = 3.25;
const GAP = 1;
const LEAST = 15;
const ROUND = 8;
/** A screen that is narrower is a phone's. */
const PHONE = 40;

/** The cameras on a desk or a phone: all on the screen if they can be read there, otherwise the page scrolls. */
export function Tiles({ cameras }: { cameras: CameraView[] }) {
  const now = useNow(2000);
  const { ref, width } = useElementSize<HTMLUListElement>();
  const viewport = useViewportSize();
  const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  const isPhone = viewport.width < PHONE * rem;
  const room = { width, height: viewport.height - ROUND * rem, gap: GAP * rem, textHeight: TEXT * rem, leastWidth: LEAST * rem };
  const { columns, rows } = isPhone ? phoneGrid(cameras.length) : deskGrid(cameras.length, room);
  const tileWidth = Math.floor(largestFit(cameras.length, room).pictureWidth); // as wide as its picture, with no bars round it
  const style = { "--columns": columns, "--tile": `${tileWidth}px` } as CSSProperties;
  const picture = pictureFor(width / columns);
  return (
    <ul ref={ref} className={rows === null ? "tiles" : "tiles tiles-fit"} style={style}>
      {width > 0 && cameras.map((camera) => (
        <Tile key={camera.id} camera={camera} now={now} picture={picture} fps={tileFps(cameras.length)} />
      ))}
    </ul>
  );
}
