import type { ConnectionState } from "../../stream/connection";

const TEXT: Record<ConnectionState, string> = {
  connecting: "Connecting",
  connected: "Connected",
  reconnecting: "Reconnecting",
  closed: "Disconnected",
};

/** The state of the connection to the gateway. */
export function ConnectionBadge({ state }: { state: ConnectionState }) {
  return (
    <span className={`badge badge-${state}`} role="status" aria-live="polite">
      <span className="badge-mark" aria-hidden="true" />
      <span data-testid="connection-state">{TEXT[state]}</span>
    </span>
  );
}
