import { Switch } from "@mantine/core";
import { memo, useLayoutEffect, useRef } from "react";

import type { CameraView } from "../../api/client";
import { text } from "../../i18n";
import type { SceneSpace } from "../../live/scene";
import type { LiveCamera } from "../../live/useLiveCamera";
import { ZoomStage } from "../../shared/ui/ZoomStage";
import { useRemembered } from "../../shared/useRemembered";
import { useZoom } from "../../shared/useZoom";
import type { PictureAge } from "../../stream/usePictureAge";
import type { ConnectionState } from "../../stream/socket";
import { noticeFor } from "./notice";
import { SpaceLayer, type Pointing } from "./SpaceLayer";
import { VehicleLayer } from "./VehicleLayer";

const BEFORE_A_PICTURE = { width: 1280, height: 720 };
const NO_SPACES: readonly SceneSpace[] = [];

interface Props {
  connection: ConnectionState;
  shown: LiveCamera;
  camera: CameraView | null;
  isListKnown: boolean;
  age: PictureAge;
  spaces: readonly SceneSpace[];
  pointing: Pointing;
}

/** The live picture with its layers; while there is none, or none that is new, why. */
export function LivePicture({ connection, shown: { frame, isStill }, camera, isListKnown, age, spaces, pointing }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const zoom = useZoom();
  const layers = useLayers();
  const bitmap = frame?.bitmap ?? null;
  const isOutdated = age.isLate || camera?.status.state === "disabled";

  useLayoutEffect(() => {
    const target = canvas.current;
    if (target === null || bitmap === null) {
      return;
    }
    if (target.width !== bitmap.width || target.height !== bitmap.height) {
      target.width = bitmap.width;
      target.height = bitmap.height;
    }
    target.getContext("2d")?.drawImage(bitmap, 0, 0);
    bitmap.close(); // the canvas has it now
  }, [bitmap]);

  const notice = noticeFor({ connection, hasPicture: frame !== null, age, camera, isListKnown });
  const { width, height } = frame?.size ?? BEFORE_A_PICTURE;
  const scene = frame?.scene ?? null;
  const isDrawn = scene?.picture === "annotated"; // by the detector, or by an old worker: nothing is drawn twice
  const name = text.camera.livePictureOf(camera?.name ?? text.camera.theCamera);
  return (
    <section className="card stage live-view" aria-label={name}>
      <ZoomStage
        zoom={zoom}
        ratio={width / height}
        overlay={notice !== null && <p className={frame === null ? "notice notice-empty" : "notice"} role="status">{notice}</p>}
      >
        <canvas
          ref={canvas}
          className={isOutdated ? "late" : undefined}
          data-testid="live-picture"
          data-frame-count={scene?.n}
          data-frame-id={scene?.frameId}
          hidden={frame === null}
          width={BEFORE_A_PICTURE.width}
          height={BEFORE_A_PICTURE.height}
          role="img"
          aria-label={name}
        />
        {frame !== null && scene !== null && !isOutdated && !isDrawn && (
          <VehicleLayer
            vehicles={scene.vehicles}
            trails={frame.trails}
            width={scene.size?.width ?? width}
            height={scene.size?.height ?? height}
            hasBoxes={layers.boxes.isOn}
            hasTrails={layers.trails.isOn}
          />
        )}
        {frame !== null && (
          <SpaceLayer
            spaces={layers.spaces.isOn ? spaces : NO_SPACES}
            width={width}
            height={height}
            hasNames={layers.names.isOn}
            isQuiet={isDrawn}
            {...pointing}
          />
        )}
      </ZoomStage>
      <LayerSwitches layers={layers} isDrawn={isDrawn} isStill={isStill && !isOutdated} />
    </section>
  );
}

interface Layer {
  isOn: boolean;
  set: (isOn: boolean) => void;
}

interface Layers {
  spaces: Layer;
  names: Layer;
  boxes: Layer;
  trails: Layer;
}

function useLayer(name: string): Layer {
  const [isOn, set] = useRemembered(`layer.${name}`, true);
  return { isOn, set };
}

/** What is drawn over the picture, as this browser remembers it. */
function useLayers(): Layers {
  return { spaces: useLayer("spaces"), names: useLayer("names"), boxes: useLayer("boxes"), trails: useLayer("trails") };
}

interface SwitchesProps {
  layers: Layers;
  isDrawn: boolean;
  isStill: boolean;
}

/** What is drawn over the picture; shown anew when that changes, not with each frame. */
const LayerSwitches = memo(function LayerSwitches({ layers: { spaces, names, boxes, trails }, isDrawn, isStill }: SwitchesProps) {
  const rows: [Layer, string, boolean][] = [
    [spaces, text.camera.layerSpaces, isDrawn],
    [names, text.camera.layerNames, isDrawn || !spaces.isOn],
    [boxes, text.camera.layerBoxes, isDrawn],
    [trails, text.camera.layerTrails, isDrawn],
  ];
  return (
    <fieldset className="layers">
      <legend className="visually-hidden">{text.camera.layers}</legend>
      {rows.map(([layer, label, isDisabled]) => (
        <Switch key={label} size="sm" label={label} checked={layer.isOn} disabled={isDisabled} onChange={(event) => { layer.set(event.currentTarget.checked); }} />
      ))}
      {isStill && <p className="hint layers-still">{text.camera.still}</p>}
    </fieldset>
  );
}, (before, after) => before.isDrawn === after.isDrawn && before.isStill === after.isStill
  && (["spaces", "names", "boxes", "trails"] as const).every((one) => before.layers[one].isOn === after.layers[one].isOn));
