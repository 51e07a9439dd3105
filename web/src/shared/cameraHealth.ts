import type { CameraView } from "../api/client";
import { text } from "../i18n";
import { lateAfterMs } from "./lateness";
import { timeSpan } from "./format";
import { reasonOf } from "./reasons";

export type Tone = "good" | "waiting" | "bad" | "off";

export interface Health {
  tone: Tone;
  /** In words, with the reason where there is one. */
  words: string;
  /** The newest picture is one of now. */
  isLive: boolean;
}

/** How a camera does, as a person would say it. */
export function healthOf(camera: CameraView, now: number): Health {
  const { state, last_frame_at: lastFrameAt, output_fps: outputFps } = camera.status;
  if (!camera.enabled || state === "disabled") {
    return { tone: "off", words: text.camera.switchedOff, isLive: false };
  }
  const why = reasonOf(camera.status);
  const ageMs = lastFrameAt === null ? null : Math.max(0, now - lastFrameAt * 1000);
  const isLate = ageMs === null || ageMs > lateAfterMs(camera.fps);
  if (state === "live" && !isLate) {
    return camera.registered && outputFps === null
      ? { tone: "waiting", words: text.camera.noDetector, isLive: false }
      : { tone: "good", words: text.camera.live, isLive: true };
  }
  if (state === "connecting") {
    return { tone: "waiting", words: text.camera.connecting, isLive: false };
  }
  const words = ageMs === null ? text.camera.noPictureYet(why) : text.camera.noPictureFor(timeSpan(ageMs), why);
  return { tone: "bad", words, isLive: false };
}
