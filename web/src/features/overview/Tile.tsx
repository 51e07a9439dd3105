import { Link } from "@tanstack/react-router";
import { memo, useEffect, useRef, useState } from "react";

import type { CameraView } from "../../api/client";
import { text } from "../../i18n";
import { healthOf } from "../../shared/cameraHealth";
import { countsOfView, isFull } from "../../shared/counts";
import { HealthMark } from "../../shared/ui/HealthMark";
import { useSnapshot } from "../../stream/useSnapshot";

interface Props {
  camera: CameraView;
  now: number;
  isWall: boolean;
}

/** One camera on the overview: its picture, its count, how it does. Leads to the camera's page. */
export const Tile = memo(function Tile({ camera, now, isWall }: Props) {
  const [tile, isOnScreen] = useOnScreen<HTMLLIElement>();
  const health = healthOf(camera, now);
  const isOff = health.tone === "off";
  const picture = useSnapshot(camera.id, isOnScreen && !isOff);
  return (
    <li ref={tile} className="tile">
      <Link
        to="/cameras/$cameraId"
        params={{ cameraId: camera.id }}
        search={isWall ? { wall: 1 } : {}}
        className="tile-link"
      >
        <span className={health.isLive ? "tile-picture" : "tile-picture tile-old"}>
          {picture !== null && !isOff && <img src={picture} alt="" />}
          {!health.isLive && <span className="tile-notice">{health.words}</span>}
        </span>
        <span className="tile-text">
          <span className="tile-name" title={camera.name}>{camera.name}</span>
          <TileCount camera={camera} isLive={health.isLive} />
          {health.isLive && <HealthMark tone={health.tone} words={health.words} />}
        </span>
      </Link>
    </li>
  );
});

function TileCount({ camera, isLive }: { camera: CameraView; isLive: boolean }) {
  const counts = countsOfView(camera);
  if (counts.total === 0) {
    return <span className="hint">{text.overview.noSpaces}</span>;
  }
  if (!counts.isKnown || !isLive) {
    return <span className="tile-count tile-count-unknown">– <small>{text.count.ofTotal(counts.total)}</small></span>;
  }
  return isFull(counts) ? (
    <span className="tile-count tile-count-full">{text.count.full}</span>
  ) : (
    <span className="tile-count">{counts.available} <small>{text.count.ofTotal(counts.total)}</small></span>
  );
}

/** Whether the element is on the screen, or so near that it will be soon. */
function useOnScreen<T extends Element>(): [React.RefObject<T | null>, boolean] {
  const element = useRef<T>(null);
  const [isOnScreen, setOnScreen] = useState(false);
  useEffect(() => {
    const target = element.current;
    if (target === null) {
      return;
    }
    const observer = new IntersectionObserver(
      (entries) => { setOnScreen(entries.at(-1)?.isIntersecting === true); },
      { rootMargin: "100px" },
    );
    observer.observe(target);
    return () => { observer.disconnect(); };
  }, []);
  return [element, isOnScreen];
}
