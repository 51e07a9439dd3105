import type { CameraView } from "../../api/client";
import { timeSpan } from "../../shared/format";
import type { ConnectionState } from "../../stream/connection";
import type { PictureAge } from "../../stream/usePictureAge";

interface Situation {
  connection: ConnectionState;
  hasPicture: boolean;
  age: PictureAge;
  /** As the list of cameras tells it; null if it is not there. */
  camera: CameraView | null;
  /** The list of cameras has come. */
  isListKnown: boolean;
}

/** What to say over the picture, or in its place; null if all is well. The cause is told, and how old the picture is. */
export function noticeFor(situation: Situation): string | null {
  const cause = causeOf(situation);
  const { hasPicture, age } = situation;
  if (!hasPicture || !age.isLate) {
    return cause;
  }
  return [cause, `This picture is ${timeSpan(age.ageMs)} old.`].filter((one) => one !== null).join(" ");
}

/** Why there is no new picture; the cause that is nearest to the camera wins. */
function causeOf({ connection, hasPicture, age, camera, isListKnown }: Situation): string | null {
  if (connection === "reconnecting") {
    return "Connection to the gateway lost. Trying again by itself.";
  }
  const { state, error, output_fps: outputFps } = camera?.status ?? {};
  if (state === "stalled" || state === "error") {
    return `Camera ${state === "stalled" ? "stalled" : "not available"}${error ? `: ${error}` : ""}.`;
  }
  if (state === "disabled") {
    return "This camera is switched off.";
  }
  if (hasPicture && !age.isLate) {
    return null;
  }
  if (state === "connecting") {
    return "Connecting to the camera…";
  }
  if (camera === null ? isListKnown : !camera.registered && !hasPicture) {
    return "This camera is not registered, and nobody broadcasts it now.";
  }
  if (state === "live" && camera?.registered === true && outputFps === null) {
    return "The camera sends pictures, but no detector works on them.";
  }
  return hasPicture ? "No new picture." : "Waiting for frames…";
}
