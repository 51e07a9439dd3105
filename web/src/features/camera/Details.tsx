import { text } from "../../i18n";
import { clockTime, duration, oneDigit } from "../../shared/format";
import { Figure } from "../../shared/ui/Figure";
import type { ShownFrame } from "../../stream/useStream";

interface Props {
  frame: ShownFrame | null;
  viewers: number | null;
  isOutdated: boolean;
}

/** What engineers want to know of the stream; folded away. */
export function Details({ frame, viewers, isOutdated }: Props) {
  const latency = frame === null || isOutdated ? null : duration(frame.latencyMs); // an old picture has an age, no latency
  const trackIds = frame?.message.metadata.track_ids ?? [];
  return (
    <details className="card details">
      <summary>{text.camera.details}</summary>
      <dl className="facts">
        <Figure label={text.camera.frame} testId="frame-count" value={frame?.message.frameCount ?? "–"} />
        <Figure label={text.camera.fps} testId="fps" value={frame === null ? "–" : oneDigit(isOutdated ? 0 : frame.fps)} />
        <Figure label={text.camera.latency} testId="latency" value={latency?.value ?? "–"} unit={latency?.unit} />
        <Figure label={text.camera.viewers} testId="viewers" value={viewers ?? "–"} />
        <Figure label={text.camera.lastUpdate} testId="last-update" value={frame === null ? "–" : clockTime(frame.capturedAt)} />
        {frame !== null && !isOutdated && <Hops frame={frame} />}
      </dl>
      <h3>{text.camera.tracks}</h3>
      <p className="tracks" data-testid="track-ids">
        {isOutdated ? "–" : trackIds.length === 0 ? text.camera.none : trackIds.map((id) => <span key={id} className="track">#{id}</span>)}
      </p>
    </details>
  );
}

/** Where the latency comes from, hop by hop. */
function Hops({ frame }: { frame: ShownFrame }) {
  const timings = frame.message.metadata.timings;
  if (timings === undefined) {
    return null;
  }
  const drawnAt = timings.captured_at + frame.latencyMs;
  const { ingest, detect, draw, deliver } = text.camera.hops;
  const hops: [string, number][] = [
    [ingest, timings.read_at - timings.captured_at],
    [detect, timings.detected_at - timings.read_at],
    [draw, timings.published_at - timings.detected_at],
    [deliver, drawnAt - timings.published_at],
  ];
  return (
    <div className="figure figure-hops">
      <dt>{text.camera.byHop}<span className="unit">ms</span></dt>
      <dd>
        {hops.map(([name, ms]) => (
          <span key={name} className="hop">{name} <span className="hop-ms">{Math.max(0, Math.round(ms))}</span></span>
        ))}
      </dd>
    </div>
  );
}
