import { Figure } from "../../shared/Figure";
import { clockTime, duration } from "../../shared/format";
import type { ShownFrame } from "../../stream/useStream";

interface Props {
  frame: ShownFrame | null;
  viewers: number | null;
  isLate: boolean;
}

/** What there is to say about the stream itself. */
export function StreamFacts({ frame, viewers, isLate }: Props) {
  const latency = frame === null || isLate ? null : duration(frame.latencyMs); // an old picture has an age, no latency
  const fps = frame === null ? "–" : isLate ? "0.0" : frame.fps.toFixed(1);
  return (
    <dl className="facts">
      <Figure label="Frame" testId="frame-count" value={frame?.message.frameCount ?? "–"} />
      <Figure label="Frames/s" testId="fps" value={fps} />
      <Figure label="Latency" testId="latency" value={latency?.value ?? "–"} unit={latency?.unit} />
      <Figure label="Viewers" testId="viewers" value={viewers ?? "–"} />
      <Figure label="Last update" testId="last-update" value={frame === null ? "–" : clockTime(frame.capturedAt)} />
      {frame !== null && !isLate && <Hops frame={frame} />}
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
      <dt>
        By hop<span className="unit">ms</span>
      </dt>
      <dd>
        {hops.map(([name, ms]) => (
          <span key={name} className="hop">
            {name} <span className="hop-ms">{Math.max(0, Math.round(ms))}</span>
          </span>
        ))}
      </dd>
    </div>
  );
}
