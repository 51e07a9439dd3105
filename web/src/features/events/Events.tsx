import { useCallback } from "react";

import { fetchEvents } from "../../api/client";
import { clockTime } from "../../shared/format";
import { nameLength } from "../../shared/nameLength";
import { usePolled } from "../../shared/usePolled";

const SHOWN = 9;
const EVERY_MS = 3000;

/** The last changes of the camera's spaces. */
export function Events({ cameraId }: { cameraId: string }) {
  const ask = useCallback((signal: AbortSignal) => fetchEvents(cameraId, SHOWN, signal), [cameraId]);
  const { value, error } = usePolled(ask, EVERY_MS);
  return (
    <section className="card events" aria-labelledby="events-title">
      <h2 id="events-title">Last changes</h2>
      {error !== null && <p className="hint">Not up to date. {error}</p>}
      {value?.length === 0 && <p className="hint">No space has changed yet.</p>}
      <ol style={nameLength((value ?? []).map((event) => event.space_name))}>
        {(value ?? []).map((event) => (
          <li key={event.id}>
            <time dateTime={new Date(event.at * 1000).toISOString()}>{clockTime(event.at * 1000)}</time>
            <span className={`space space-${event.state}`} title={event.space_name}>{event.space_name}</span>
            <span className="state">{event.state}</span>
            {event.track_id !== null && <span className="track">#{event.track_id}</span>}
          </li>
        ))}
      </ol>
    </section>
  );
}
