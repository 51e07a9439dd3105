import { Link } from "@tanstack/react-router";
import { memo, type ReactNode } from "react";

import type { CameraView } from "../../api/client";
import { text } from "../../i18n";
import type { PictureKind } from "../../live/messages";
import { useConnection } from "../../live/page";
import { useTilePicture } from "../../live/useTilePicture";
import { healthOf, type Health } from "../../shared/cameraHealth";
import { countsOfView, isFull } from "../../shared/counts";
import { HealthMark } from "../../shared/ui/HealthMark";
import { useOnScreen } from "../../shared/useOnScreen";
import { useWall } from "../../shared/useWall";
import { Outlines } from "./Outlines";

interface Props {
  camera: CameraView;
  now: number;
  picture: PictureKind;
  fps: number;
}

/** One camera on the overview: its picture, its count, how it does. Leads to the camera's page. */
export const Tile = memo(function Tile({ camera, now, picture, fps }: Props) {
  const [tile, isOnScreen] = useOnScreen<HTMLLIElement>();
  const connection = useConnection();
  const told = healthOf(camera, now);
  const isOff = told.tone === "off";
  const kind = camera.registered ? picture : "annotated"; // an old worker has one picture, with its own drawings
  const [canvas, shown] = useTilePicture(camera.id, { picture: kind, fps, cameraFps: camera.fps, isWatched: isOnScreen && !isOff });
  const health = told.isLive && shown.isLate ? lateHealth(connection === "connected") : told;
  return (
    <li ref={tile} className="tile" data-camera={camera.id}>
      <TileLink cameraId={camera.id}>
        <span className={health.isLive ? "tile-picture" : "tile-picture tile-old"}>
          <canvas ref={canvas} hidden={shown.size === null || isOff} aria-hidden="true" />
          {health.isLive && shown.size !== null && <Outlines spaces={shown.spaces} width={shown.size.width} height={shown.size.height} />}
          {!health.isLive && <span className="tile-notice">{health.words}</span>}
        </span>
        <span className="tile-text">
          <span className="tile-name" title={camera.name}>{camera.name}</span>
          {health.isLive && <HealthMark tone={health.tone} words={health.words} />}
          <TileCount camera={camera} isLive={health.isLive} />
        </span>
      </TileLink>
    </li>
  );
});

/** The camera does well, as far as the gateway knows, and yet no picture of it comes here. */
function lateHealth(isConnected: boolean): Health {
  return { tone: "bad", words: isConnected ? text.camera.noNewPicture : text.camera.reconnecting, isLive: false };
}

/** In a kiosk nothing can be opened: nobody is there to close it. */
function TileLink({ cameraId, children }: { cameraId: string; children: ReactNode }) {
  const { isKiosk, search } = useWall();
  return isKiosk ? (
    <div className="tile-link">{children}</div>
  ) : (
    <Link to="/cameras/$cameraId" params={{ cameraId }} search={search} className="tile-link">{children}</Link>
  );
}

function TileCount({ camera, isLive }: { camera: CameraView; isLive: boolean }) {
  const counts = countsOfView(camera);
  if (counts.total === 0) {
    return <span className="hint tile-none">{text.overview.noSpaces}</span>;
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
