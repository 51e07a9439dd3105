import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { systemQuery } from "../../api/queries";
import { text } from "../../i18n";
import type { ShownFrame } from "../../live/useLiveCamera";
import { clockTime, duration, oneDigit } from "../../shared/format";
import { Figure } from "../../shared/ui/Figure";
import { useSession } from "../../shared/useSession";

interface Props {
  cameraId: string;
  frame: ShownFrame | null;
  viewers: number | null;
  isOutdated: boolean;
}

/** What engineers want to know of the stream; folded away. */
export function Details({ cameraId, frame, viewers, isOutdated }: Props) {
  const { mayChange } = useSession();
  const [isOpen, setOpen] = useState(false);
  const latency = frame === null || isOutdated ? null : duration(frame.latencyMs); // an old picture has an age, no latency
  const trackIds = (frame?.scene.vehicles ?? []).flatMap(({ trackId }) => (trackId === null ? [] : [trackId]));
  return (
    <details className="card details" onToggle={(event) => { setOpen(event.currentTarget.open); }}>
      <summary>{text.camera.details}</summary>
      <dl className="facts">
        <Figure label={text.camera.frame} testId="frame-count" value={frame?.scene.n ?? "–"} />
        <Figure label={text.camera.fps} testId="fps" value={frame === null ? "–" : oneDigit(isOutdated ? 0 : frame.fps)} />
        <Figure label={text.camera.latency} testId="latency" value={latency?.value ?? "–"} unit={latency?.unit} />
        <Figure label={text.camera.viewers} testId="viewers" value={viewers ?? "–"} />
        <Figure label={text.camera.lastUpdate} testId="last-update" value={frame === null ? "–" : clockTime(frame.capturedAt)} />
        {frame !== null && !isOutdated && <Hops frame={frame} />}
        {isOpen && mayChange && <Owners cameraId={cameraId} />}
      </dl>
      <h3>{text.camera.tracks}</h3>
      <p className="tracks" data-testid="track-ids">
        {isOutdated ? "–" : trackIds.length === 0 ? text.camera.none : trackIds.map((id) => <span key={id} className="track">#{id}</span>)}
      </p>
    </details>
  );
}

/** Where the latency comes from, hop by hop. */
function Hops({ frame: { scene, latencyMs } }: { frame: ShownFrame }) {
  const { captured, read, detected, published } = scene.timings;
  if (captured === published) {
    return null; // an old worker tells no hops
  }
  const { ingest, detect, publish, deliver } = text.camera.hops;
  const hops: [string, number][] = [
    [ingest, read - captured],
    [detect, detected - read],
    [publish, published - detected],
    [deliver, captured + latencyMs - published],
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

/** Which processes read and examine the camera; told to admins. */
function Owners({ cameraId }: { cameraId: string }) {
  const { data } = useQuery(systemQuery);
  const owners = data?.cameras.find((one) => one.id === cameraId);
  return owners === undefined ? null : (
    <>
      <Figure label={text.system.readBy} testId="owner-ingest" value={owners.ingest ?? "–"} />
      <Figure label={text.system.examinedBy} testId="owner-detector" value={owners.detector ?? "–"} />
    </>
  );
}
