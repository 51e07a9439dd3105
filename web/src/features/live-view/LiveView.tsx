import { useLayoutEffect, useRef } from "react";

import type { CameraView } from "../../api/client";
import type { Stream } from "../../stream/useStream";
import type { PictureAge } from "../../stream/usePictureAge";
import { noticeFor } from "./notice";

interface Props {
  stream: Stream;
  camera: CameraView | null;
  isListKnown: boolean;
  age: PictureAge;
}

/** The live picture; while there is none, or none that is new, why. */
export function LiveView({ stream, camera, isListKnown, age }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const frame = stream.frame;
  const isOutdated = age.isLate || camera?.status.state === "disabled";
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

  const notice = noticeFor({ connection: stream.state, hasPicture: frame !== null, age, camera, isListKnown });
  return (
    <div className="live-view">
      <canvas
        ref={canvas}
        className={isOutdated ? "late" : undefined}
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
