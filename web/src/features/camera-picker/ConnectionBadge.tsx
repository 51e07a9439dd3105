import type { ConnectionState } from "../../stream/connection";

interface Props {
  connection: ConnectionState;
  hasPicture: boolean;
  isLate: boolean;
  isSwitchedOff: boolean;
}

type Shown = "connected" | "waiting" | "reconnecting" | "closed";

/** Whether the picture that is shown is a live one; an open connection alone brings none. */
export function ConnectionBadge(props: Props) {
  const [shown, text] = badgeFor(props);
  return (
    <span className={`badge badge-${shown}`} role="status" aria-live="polite">
      <span className="badge-mark" aria-hidden="true" />
      <span data-testid="connection-state">{text}</span>
    </span>
  );
}

export function badgeFor({ connection, hasPicture, isLate, isSwitchedOff }: Props): [Shown, string] {
  if (connection === "closed") return ["closed", "Disconnected"];
  if (connection === "reconnecting") return ["reconnecting", "Reconnecting"];
  if (isSwitchedOff) return ["closed", "Switched off"];
  if (connection === "connecting") return ["waiting", "Connecting"];
  if (!hasPicture) return ["waiting", "Waiting for a picture"];
  return isLate ? ["reconnecting", "No new picture"] : ["connected", "Connected"];
}
