import { useEffect, useRef, useState, type RefObject } from "react";

import { lateAfterMs } from "../shared/lateness";
import { serverClock } from "../shared/serverClock";
import { ageMs, type Dated } from "../stream/age";
import type { LiveFrame, PictureKind, SpacesMessage } from "./messages";
import { live } from "./page";
import { decodePicture } from "./picture";
import { sceneOf, type SceneSpace } from "./scene";

const LOOK_EVERY_MS = 1000;

export interface TilePicture {
  /** Nobody has told for too long that the lot looks like this. */
  isLate: boolean;
  /** The spaces with their states, as of the picture; the same list for as long as nothing of it changes. */
  spaces: readonly SceneSpace[];
  /** Of the picture that was drawn, in pixels; null before the first. It stays when the camera is not watched any more. */
  size: { width: number; height: number } | null;
}

interface Wish {
  picture: PictureKind;
  /** Pictures a second at most. */
  fps: number;
  /** The camera's own rate, to tell when a picture is late. */
  cameraFps: number | null;
  /** Whether it is to be watched now: it is on the screen. */
  isWatched: boolean;
}

const NO_SPACES: readonly SceneSpace[] = [];

/**
 * A camera's small live picture, drawn on the canvas of the first result. That happens past React: a wall of pictures costs
 * no more than the drawing.
 */
export function useTilePicture(cameraId: string, { picture, fps, cameraFps, isWatched }: Wish): [RefObject<HTMLCanvasElement | null>, TilePicture] {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [size, setSize] = useState<TilePicture["size"]>(null);
  const [isLate, setLate] = useState(false);
  const [spaces, setSpaces] = useState(NO_SPACES);
  const seen = useRef<Dated | null>(null);
  const limitMs = lateAfterMs(cameraFps);

  useEffect(() => {
    if (!isWatched) {
      return;
    }
    let active = true;
    let states = "";
    const look = () => {
      setLate(seen.current !== null && ageMs(seen.current, serverClock.now(), performance.now()) >= limitMs);
    };
    const show = async (frame: LiveFrame, table: SpacesMessage | null) => {
      const bitmap = frame.jpeg === null ? null : await decodePicture(frame.jpeg);
      const target = canvas.current;
      if (bitmap === null || target === null || !active) {
        bitmap?.close();
        return;
      }
      const { width, height } = bitmap;
      draw(target, bitmap);
      target.dataset["n"] = String(frame.n);
      const captured = frame.timings[0] ?? 0;
      seen.current = { capturedAt: captured, shownAt: performance.now(), latencyMs: serverClock.now() - captured };
      look();
      setSize((before) => (before?.width === width && before.height === height ? before : { width, height }));
      const found = `${frame.picture} ${frame.spaces} ${frame.states.join()}`;
      if (found !== states) {
        states = found;
        setSpaces(frame.picture === "annotated" ? NO_SPACES : sceneOf(frame, table).spaces); // not drawn twice
      }
    };
    const stop = live().watch(cameraId, { picture, fps }, {
      onFrame: show,
      onStill: () => {
        if (seen.current !== null) {
          seen.current = { capturedAt: serverClock.now(), shownAt: performance.now(), latencyMs: 0 };
          look();
        }
      },
    });
    const timer = setInterval(look, LOOK_EVERY_MS);
    return () => {
      active = false;
      clearInterval(timer);
      stop();
    };
  }, [cameraId, picture, fps, limitMs, isWatched]);

  return [canvas, { isLate, spaces, size }];
}

/** Hands the bitmap to the canvas as it is: no copy, and the canvas takes its size. */
function draw(target: HTMLCanvasElement, bitmap: ImageBitmap): void {
  if (target.width !== bitmap.width || target.height !== bitmap.height) {
    target.width = bitmap.width;
    target.height = bitmap.height;
  }
  target.getContext("bitmaprenderer")?.transferFromImageBitmap(bitmap);
}
