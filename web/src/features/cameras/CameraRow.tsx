import { Button } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { changeCamera } from "../../api/changes";
import type { CameraView } from "../../api/client";
import { camerasQuery } from "../../api/queries";
import { text } from "../../i18n";
import { useTilePicture } from "../../live/useTilePicture";
import { healthOf } from "../../shared/cameraHealth";
import { countsOfView, isFull } from "../../shared/counts";
import { oneDigit } from "../../shared/format";
import { noticeOf } from "../../shared/reasons";
import { Alert } from "../../shared/ui/Alert";
import { HealthMark } from "../../shared/ui/HealthMark";
import { useOnScreen } from "../../shared/useOnScreen";

/** Pictures a second in the list: enough to see that it lives. */
const FPS = 1;

interface Props {
  camera: CameraView;
  now: number;
  mayChange: boolean;
  onEdit: () => void;
  onDelete: () => void;
}

/** One camera in the list: how it does and why, and what can be done with it. */
export function CameraRow({ camera, now, mayChange, onEdit, onDelete }: Props) {
  const queries = useQueryClient();
  const health = healthOf(camera, now);
  const isOff = health.tone === "off";
  const notice = noticeOf(camera.status);
  const [row, isOnScreen] = useOnScreen<HTMLLIElement>();
  const [canvas, { size, isLate }] = useTilePicture(camera.id, { picture: "small", fps: FPS, cameraFps: camera.fps, isWatched: isOnScreen && !isOff });
  const toggle = useMutation({
    mutationFn: () => changeCamera(camera.id, { enabled: !camera.enabled }),
    onSettled: () => queries.invalidateQueries({ queryKey: camerasQuery.queryKey }),
  });
  return (
    <li ref={row} className="card camera-row">
      <Link to="/cameras/$cameraId" params={{ cameraId: camera.id }} className={health.isLive && !isLate ? "row-picture" : "row-picture row-old"} tabIndex={-1} aria-hidden="true">
        <canvas ref={canvas} hidden={size === null || isOff} />
      </Link>
      <div className="row-text">
        <h2><Link to="/cameras/$cameraId" params={{ cameraId: camera.id }}>{camera.name}</Link></h2>
        <HealthMark tone={health.tone} words={health.words} />
        <p className="hint row-address">{camera.registered ? (camera.url ?? camera.id) : text.cameras.broadcastOnly}</p>
        <p className="hint">
          <Count camera={camera} isLive={health.isLive} />
          {health.isLive && camera.status.input_fps !== null && <> · {text.cameras.fpsOf(oneDigit(camera.status.input_fps))}</>}
        </p>
        {notice !== null && !isOff && <Alert>{notice}</Alert>}
        {toggle.error !== null && <Alert>{toggle.error.message}</Alert>}
      </div>
      {mayChange && camera.registered && (
        <div className="row-actions">
          <Button variant="default" size="xs" renderRoot={(props) => <Link to="/cameras/$cameraId/spaces" params={{ cameraId: camera.id }} {...props} />}>
            {camera.occupancy.total === 0 ? text.camera.markSpaces : text.camera.editSpaces}
          </Button>
          <Button variant="default" size="xs" onClick={onEdit}>{text.common.edit}</Button>
          <Button variant="default" size="xs" loading={toggle.isPending} onClick={() => { toggle.mutate(); }}>
            {camera.enabled ? text.cameras.disable : text.cameras.enable}
          </Button>
          <Button variant="default" size="xs" className="dangerous" onClick={onDelete}>{text.common.delete}</Button>
        </div>
      )}
    </li>
  );
}

function Count({ camera, isLive }: { camera: CameraView; isLive: boolean }) {
  const counts = countsOfView(camera);
  if (counts.total === 0) return text.overview.noSpaces;
  if (!isLive || !counts.isKnown) return text.count.spaces(counts.total);
  return isFull(counts) ? <strong className="full">{text.count.full}</strong> : `${counts.available} ${text.overview.freeOf(counts.total)}`;
}
