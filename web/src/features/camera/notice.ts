import type { CameraView } from "../../api/client";
import { text } from "../../i18n";
import { timeSpan } from "../../shared/format";
import { reasonOf } from "../../shared/reasons";
import type { ConnectionState } from "../../stream/socket";
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
  return [cause, text.camera.isOld(timeSpan(age.ageMs))].filter((one) => one !== null).join(" ");
}

/** Why there is no new picture; the cause that is nearest to the camera wins. */
function causeOf({ connection, hasPicture, age, camera, isListKnown }: Situation): string | null {
  if (connection === "reconnecting") {
    return text.camera.connectionLost;
  }
  if (!hasPicture && (camera === null ? isListKnown : !camera.registered)) {
    return text.camera.unknownCamera; // listed or not: a camera that is only watched has nothing that could stall
  }
  const { state, output_fps: outputFps } = camera?.status ?? {};
  const why = camera === null ? "" : reasonOf(camera.status);
  if (state === "stalled") {
    return text.camera.stalled(why);
  }
  if (state === "error") {
    return text.camera.notAvailable(why);
  }
  if (state === "disabled") {
    return text.camera.off;
  }
  if (hasPicture && !age.isLate) {
    return null;
  }
  if (state === "connecting") {
    return text.camera.connectingTo;
  }
  if (state === "live" && camera?.registered === true && outputFps === null) {
    return text.camera.noDetector;
  }
  return hasPicture ? `${text.camera.noNewPicture}.` : text.camera.waitingForFrames;
}
