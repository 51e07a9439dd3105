import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useSyncExternalStore } from "react";

import type { CameraView } from "../../api/client";
import { camerasQuery, systemProblemQuery } from "../../api/queries";
import { text } from "../../i18n";
import { healthOf } from "../../shared/cameraHealth";
import { ago, oneDigit, timeSpan } from "../../shared/format";
import { serverClock } from "../../shared/serverClock";
import { Alert } from "../../shared/ui/Alert";
import { HealthMark } from "../../shared/ui/HealthMark";
import { PageHead } from "../../shared/ui/PageHead";
import { Preferences } from "../../shared/ui/Preferences";
import { useNow } from "../../shared/useNow";
import "./system.css";

/** A clock that is off by less does no harm. */
const SKEW_TOLD_MS = 2000;

/** Whether everything works, and where frames get lost. */
export function SystemPage() {
  const { data: problem, error } = useQuery(systemProblemQuery);
  const { data: cameras, error: camerasError } = useQuery(camerasQuery);
  const offsetMs = useSyncExternalStore(serverClock.subscribe, () => serverClock.offsetMs);
  useEffect(() => { document.title = `${text.system.title} · Lotcast`; }, []);
  const isReady = problem === null && error === null;
  const isAway = error !== null;
  return (
    <>
      <PageHead title={text.system.title} />
      <div className="system-cards">
        <section className="card system-card">
          <h2>{text.system.gateway}</h2>
          <HealthMark tone={isAway ? "bad" : "good"} words={isAway ? error.message : text.system.answers} />
        </section>
        <section className="card system-card">
          <h2>{text.system.bus}</h2>
          <HealthMark tone={isReady ? "good" : isAway || problem === undefined ? "waiting" : "bad"} words={isReady ? text.system.ready : (problem ?? "–")} />
        </section>
        <section className="card system-card">
          <h2>{text.system.clock}</h2>
          <HealthMark
            tone={Math.abs(offsetMs) > SKEW_TOLD_MS ? "waiting" : "good"}
            words={Math.abs(offsetMs) > SKEW_TOLD_MS ? text.system.clockOff(timeSpan(Math.abs(offsetMs)), offsetMs < 0) : text.system.clockSame}
          />
        </section>
        <section className="card system-card">
          <h2>{text.system.viewers}</h2>
          <p className="system-number">{cameras?.reduce((sum, { viewers }) => sum + viewers, 0) ?? "–"}</p>
        </section>
      </div>
      {camerasError !== null && cameras !== undefined && <Alert>{text.common.notUpToDate(camerasError.message)}</Alert>}
      {cameras !== undefined && cameras.length > 0 && <CameraTable cameras={cameras} />}
      <section className="card system-preferences" aria-label={text.appearance.label}><Preferences /></section>
    </>
  );
}

function CameraTable({ cameras }: { cameras: CameraView[] }) {
  const now = useNow();
  return (
    <section className="card">
      <h2 id="cameras-table">{text.system.camerasTitle}</h2>
      <div className="system-table" tabIndex={0} role="region" aria-labelledby="cameras-table">
        <table>
          <thead>
            <tr>
              <th scope="col">{text.system.camera}</th>
              <th scope="col">{text.system.state}</th>
              <th scope="col" className="number">{text.system.from} <small>{text.system.perSecond}</small></th>
              <th scope="col" className="number">{text.system.examined} <small>{text.system.perSecond}</small></th>
              <th scope="col" className="number">{text.system.lastFrame}</th>
              <th scope="col" className="number">{text.system.reconnects}</th>
              <th scope="col" className="number">{text.system.viewersShort}</th>
            </tr>
          </thead>
          <tbody>
            {cameras.map((camera) => {
              const { input_fps: input, output_fps: output, last_frame_at: last, reconnects } = camera.status;
              const health = healthOf(camera, now);
              return (
                <tr key={camera.id}>
                  <th scope="row"><Link to="/cameras/$cameraId" params={{ cameraId: camera.id }}>{camera.name}</Link></th>
                  <td><HealthMark tone={health.tone} words={health.words} /></td>
                  <td className="number">{input === null ? "–" : oneDigit(input)}</td>
                  <td className="number">{output === null ? "–" : oneDigit(output)}</td>
                  <td className="number">{last === null ? text.time.never : ago(last * 1000, now)}</td>
                  <td className="number">{reconnects}</td>
                  <td className="number">{camera.viewers}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </section>
  );
}
