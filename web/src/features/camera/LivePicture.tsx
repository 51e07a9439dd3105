import { Switch } from "@mantine/core";
import { memo, useLayoutEffect, useRef } from "react";

import type { CameraView } from "../../api/client";
import { text } from "../../i18n";
import { ZoomStage } from "../../shared/ui/ZoomStage";
import { useRemembered } from "../../shared/useRemembered";
import { useZoom } from "../../shared/useZoom";
import type { Space } from "../../stream/message";
import type { PictureAge } from "../../stream/usePictureAge";
import type { Stream } from "../../stream/useStream";
import { noticeFor } from "./notice";
import { SpaceLayer } from "./SpaceLayer";

const RATIO_BEFORE_A_PICTURE = 16 / 9;

interface Props {
  stream: Stream;
  camera: CameraView | null;
  isListKnown: boolean;
  age: PictureAge;
  spaces: Space[];
  chosen: string | null;
  onChoose: (spaceId: string | null) => void;
}

/** The live picture with its layers; while there is none, or none that is new, why. */
export function LivePicture({ stream, camera, isListKnown, age, spaces, chosen, onChoose }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const zoom = useZoom();
  const [hasSpaces, setHasSpaces] = useRemembered("layer.spaces", true);
  const [hasNames, setHasNames] = useRemembered("layer.names", true);
  const frame = stream.frame;
  const picture = frame?.picture ?? null;
  const isOutdated = age.isLate || camera?.status.state === "disabled";

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
  const { width, height } = frame?.size ?? { width: 1280, height: 720 };
  return (
    <section className="card stage live-view" aria-label={text.camera.livePictureOf(camera?.name ?? text.camera.theCamera)}>
      <ZoomStage
        zoom={zoom}
        ratio={frame === null ? RATIO_BEFORE_A_PICTURE : width / height}
        overlay={notice !== null && <p className={frame === null ? "notice notice-empty" : "notice"} role="status">{notice}</p>}
      >
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
          aria-label={text.camera.livePictureOf(camera?.name ?? text.camera.theCamera)}
        />
        {frame !== null && hasSpaces && (
          <SpaceLayer spaces={spaces} width={width} height={height} hasNames={hasNames} chosen={chosen} onChoose={onChoose} />
        )}
      </ZoomStage>
      <Layers hasSpaces={hasSpaces} hasNames={hasNames} onSpaces={setHasSpaces} onNames={setHasNames} />
    </section>
  );
}

interface LayersProps {
  hasSpaces: boolean;
  hasNames: boolean;
  onSpaces: (isOn: boolean) => void;
  onNames: (isOn: boolean) => void;
}

/** What is drawn over the picture; drawn anew when that changes, not with each frame. */
const Layers = memo(function Layers({ hasSpaces, hasNames, onSpaces, onNames }: LayersProps) {
  return (
    <fieldset className="layers">
      <legend className="visually-hidden">{text.camera.layers}</legend>
      <Switch size="sm" label={text.camera.layerSpaces} checked={hasSpaces} onChange={(event) => { onSpaces(event.currentTarget.checked); }} />
      <Switch size="sm" label={text.camera.layerNames} checked={hasNames} disabled={!hasSpaces} onChange={(event) => { onNames(event.currentTarget.checked); }} />
    </fieldset>
  );
}, (before, after) => before.hasSpaces === after.hasSpaces && before.hasNames === after.hasNames);
