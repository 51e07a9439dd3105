import { useElementSize, useViewportSize } from "@mantine/hooks";
import type { CSSProperties, ReactNode } from "react";

import type { CameraView } from "../../api/client";
import { useNow } from "../../shared/useNow";
import { useWall } from "../../shared/useWall";
import { wallGrid } from "./layout";
import { pictureFor, tileFps } from "./picture";
import { Tile } from "./Tile";
import { Turns } from "./Turns";
import { useRotation } from "./useRotation";

/** In rem: gap between tiles, and the least width of a tile that is read from afar. */
const GAP = 0.75;
const LEAST = 13;
/** In pixels, as in `overview.css`: a screen that is no larger is a phone's. */
const PHONE = { width: 900, height: 520 };

interface Props {
  cameras: CameraView[];
  /** What stands above the tiles, with the turns of the pages in it; null while there is one page. */
  head: (turns: ReactNode) => ReactNode;
}

/** The cameras on a wall's screen, which they fill. Where they are too many to be read at a time, they take turns. */
export function WallTiles({ cameras, head }: Props) {
  const now = useNow();
  const { isKiosk } = useWall();
  const { ref, width, height } = useElementSize<HTMLUListElement>();
  const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  const grid = wallGrid(cameras.length, { width, height, gap: GAP * rem, textHeight: 0, leastWidth: LEAST * rem });
  const viewport = useViewportSize();
  const isPhone = viewport.width <= PHONE.width || viewport.height <= PHONE.height; // there the page scrolls
  const isMeasured = width > 0 && (height > 0 || isPhone);
  const pages = isMeasured && !isPhone ? grid.pages : 1;
  const rotation = useRotation(pages, isKiosk);
  const first = rotation.page * grid.perPage;
  const shown = pages === 1 ? cameras : cameras.slice(first, first + grid.perPage);
  const style = { "--columns": grid.columns, "--rows": grid.rows } as CSSProperties;
  const picture = isPhone ? "small" : pictureFor(width / grid.columns);
  return (
    <>
      {head(pages > 1 ? <Turns rotation={rotation} pages={pages} hasButtons={!isKiosk} /> : null)}
      <ul ref={ref} className="tiles tiles-wall" style={style}>
        {isMeasured && shown.map((camera) => (
          <Tile key={camera.id} camera={camera} now={now} picture={picture} fps={tileFps(shown.length)} />
        ))}
      </ul>
    </>
  );
}
