import type { CameraView } from "../../api/client";
import type { ConnectionState } from "../../stream/connection";

interface Situation {
  connection: ConnectionState;
  hasPicture: boolean;
  /** The last picture is older than pictures of this camera should be. */
  isLate: boolean;
  /** As the list of cameras tells it; null if it is not there. */
  camera: CameraView | null;
  /** The list of cameras has come. */
  isListKnown: boolean;
}

/** What to say over the picture, or in its place; null if all is well. The cause that is nearest to the camera wins. */
export function noticeFor({ connection, hasPicture, isLate, camera, isListKnown }: Situation): string | null {
  if (connection === "reconnecting") {
    return "Connection to the gateway lost. Trying again every 3 seconds.";
  }
  const { state, error, output_fps: outputFps } = camera?.status ?? {};
  if (state === "stalled" || state === "error") {
    return `Camera ${state === "stalled" ? "stalled" : "not available"}${error ? `: ${error}` : ""}.`;
  }
  if (state === "disabled") {
    return "This camera is switched off.";
  }
  if (hasPicture && !isLate) {
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
  return hasPicture ? "No new picture; this one is old." : "Waiting for frames…";
}
