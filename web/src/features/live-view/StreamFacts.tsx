import { Figure } from "../../shared/Figure";
import { clockTime } from "../../shared/format";
import { capturedAt, type ShownFrame } from "../../stream/useStream";

/** What there is to say about the stream itself. */
export function StreamFacts({ frame, viewers }: { frame: ShownFrame | null; viewers: number | null }) {
  return (
    <dl className="facts">
      <Figure label="Frame" testId="frame-count" value={frame?.message.frameCount ?? "–"} />
      <Figure label="Frames/s" testId="fps" value={frame === null ? "–" : frame.fps.toFixed(1)} />
      <Figure label="Latency" testId="latency" value={frame === null ? "–" : Math.max(0, Math.round(frame.latencyMs))} unit="ms" />
      <Figure label="Viewers" testId="viewers" value={viewers ?? "–"} />
      <Figure label="Last update" testId="last-update" value={frame === null ? "–" : clockTime(capturedAt(frame.message))} />
      {frame !== null && <Hops frame={frame} />}
    </dl>
  );
}

/** Where the latency comes from, hop by hop. */
function Hops({ frame }: { frame: ShownFrame }) {
  const timings = frame.message.metadata.timings;
  if (timings === undefined) {
    return null;
  }
  const drawnAt = timings.captured_at + frame.latencyMs;
  const hops: [string, number][] = [
    ["ingest", timings.read_at - timings.captured_at],
    ["detect", timings.detected_at - timings.read_at],
    ["draw", timings.published_at - timings.detected_at],
    ["deliver", drawnAt - timings.published_at],
  ];
  return (
    <div className="figure figure-hops">
      <dt>By hop</dt>
      <dd>
        {hops.map(([name, ms]) => (
          <span key={name} className="hop">
            {name} <span className="hop-ms">{Math.max(0, Math.round(ms))}</span>
          </span>
        ))}
        <span className="unit">ms</span>
      </dd>
    </div>
  );
}
