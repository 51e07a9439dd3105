import { text } from "../../i18n";
import type { Tone } from "../../shared/cameraHealth";
import type { ConnectionState } from "../../stream/socket";

interface Situation {
  connection: ConnectionState;
  hasPicture: boolean;
  isLate: boolean;
  isSwitchedOff: boolean;
}

/** Whether the picture that is shown is a live one; an open connection alone brings none. */
export function badgeFor({ connection, hasPicture, isLate, isSwitchedOff }: Situation): [Tone, string] {
  const { disconnected, reconnecting, switchedOff, connecting, waiting, noNewPicture, connected } = text.camera;
  if (connection === "closed") return ["off", disconnected];
  if (connection === "reconnecting") return ["bad", reconnecting];
  if (isSwitchedOff) return ["off", switchedOff];
  if (connection === "connecting") return ["waiting", connecting];
  if (!hasPicture) return ["waiting", waiting];
  return isLate ? ["bad", noNewPicture] : ["good", connected];
}
