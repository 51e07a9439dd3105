import { useLayoutEffect, useRef } from "react";

import type { CameraView } from "../../api/client";
import type { Stream } from "../../stream/useStream";

interface Props {
  stream: Stream;
  camera: CameraView | null;
}

/** The live picture; while there is none, why. */
export function LiveView({ stream, camera }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const frame = stream.frame;
  const picture = frame?.picture ?? null;

  useLayoutEffect(() => {
    const target = canvas.current;
    if (target === null || picture === null) {
      return;
    }
    if (target.width !== picture.width || target.height !== picture.height) {
      target.width = picture.width;
      target.height = picture.height;
    }
    target.getContext("2d")?.drawImage(picture, 0, 0);
    picture.close(); // the canvas has it now
  }, [picture]);

  const notice = noticeFor(stream, camera);
  return (
    <div className="live-view">
      <canvas
        ref={canvas}
        data-testid="live-picture"
        data-frame-count={frame?.message.frameCount}
        data-frame-id={frame?.message.metadata.frame_id}
        hidden={frame === null}
        width={1280}
        height={720}
        role="img"
        aria-label={`Live picture of ${camera?.name ?? "the camera"}`}
      />
      {notice !== null && (
        <p className={frame === null ? "notice notice-empty" : "notice"} role="status">
          {notice}
        </p>
      )}
    </div>
  );
}

function noticeFor(stream: Stream, camera: CameraView | null): string | null {
  if (stream.state === "reconnecting") {
    return "Connection to the gateway lost. Trying again every 3 seconds.";
  }
  const status = camera?.status;
  if (status !== undefined && (status.state === "stalled" || status.state === "error")) {
    return `Camera ${status.state === "stalled" ? "stalled" : "not available"}${status.error ? `: ${status.error}` : ""}.`;
  }
  if (status?.state === "disabled") {
    return "This camera is switched off.";
  }
  return stream.frame === null ? "Waiting for frames…" : null;
}
