import { useEffect, useState } from "react";
import { flushSync } from "react-dom";

import { serverClock } from "../shared/serverClock";
import type { Dated } from "../stream/age";
import { FpsMeter } from "../stream/fps";
import type { PictureKind } from "./messages";
import { live } from "./page";
import { decodePicture } from "./picture";
import { sceneOf, type Scene } from "./scene";
import { Trails } from "./trails";
import type { Point } from "../shared/geometry";

/** A frame whose picture is decoded, with what belongs to it: picture and numbers always change together. */
export interface ShownFrame extends Dated {
  scene: Scene;
  /** Released once it is drawn. */
  bitmap: ImageBitmap;
  size: { width: number; height: number };
  fps: number;
  /** By track id, in pixels of the frame. */
  trails: Map<number, Point[]>;
}

export interface LiveCamera {
  frame: ShownFrame | null;
  /** When the lot was last known to look as the frame shows it: at its capture, or later when nothing had changed. */
  seen: Dated | null;
  /** Nothing has moved since the frame. */
  isStill: boolean;
}

const NOTHING: LiveCamera = { frame: null, seen: null, isStill: false };

/** One camera's live pictures, each drawn before the next one is asked for. */
export function useLiveCamera(cameraId: string, picture: PictureKind): LiveCamera {
  const [shown, setShown] = useState<LiveCamera>(NOTHING);

  useEffect(() => {
    let active = true;
    const meter = new FpsMeter();
    const trails = new Trails();
    let newest = 0;
    const stop = live().watch(cameraId, { picture }, {
      onFrame: async (message, spaces) => {
        const bitmap = message.jpeg === null ? null : await decodePicture(message.jpeg);
        if (bitmap === null || !active) {
          bitmap?.close();
          return; // a picture that this browser cannot decode: the next one is on its way
        }
        const scene = sceneOf(message, spaces);
        const shownAt = performance.now();
        newest = scene.n;
        const size = { width: bitmap.width, height: bitmap.height };
        trails.add(scene);
        const dated = { capturedAt: scene.timings.captured, shownAt, latencyMs: serverClock.now() - scene.timings.captured };
        const frame: ShownFrame = { ...dated, scene, bitmap, size, fps: meter.tick(shownAt), trails: trails.ways((scene.size ?? size).width) };
        flushSync(() => { setShown({ frame, seen: frame, isStill: false }); }); // drawn when this returns
      },
      onStill: ({ n }) => {
        if (active && n <= newest) {
          const seen = { capturedAt: serverClock.now(), shownAt: performance.now(), latencyMs: 0 };
          setShown(({ frame }) => ({ frame, seen: frame === null ? null : seen, isStill: frame !== null }));
        }
      },
    });
    return () => {
      active = false;
      stop();
    };
  }, [cameraId, picture]);

  return shown;
}
