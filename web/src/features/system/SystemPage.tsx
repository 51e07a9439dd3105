import { useQuery } from "@tanstack/react-query";
import { useEffect, useSyncExternalStore } from "react";

import type { CameraView, SystemView } from "../../api/client";
import { camerasQuery, systemProblemQuery, systemQuery } from "../../api/queries";
import { text } from "../../i18n";
import { healthOf } from "../../shared/cameraHealth";
import { timeSpan } from "../../shared/format";
import { serverClock } from "../../shared/serverClock";
import { Alert } from "../../shared/ui/Alert";
import { HealthMark } from "../../shared/ui/HealthMark";
import { PageHead } from "../../shared/ui/PageHead";
import { Preferences } from "../../shared/ui/Preferences";
import { useNow } from "../../shared/useNow";
import { useSession } from "../../shared/useSession";
import { CameraTable } from "./CameraTable";
import { droppedOf } from "./drops";
import { DroppedTable } from "./DroppedTable";
import { MemoryCard } from "./MemoryCard";
import { Processes } from "./Processes";
import "./system.css";
import { troubleOf } from "./trouble";

/** A clock that is off by less does no harm. */
const SKEW_TOLD_MS = 2000;

/** Whether everything works, what runs where, and where pictures get lost. */
export function SystemPage() {
  const { mayChange } = useSession();
  const { data: problem, error } = useQuery(systemProblemQuery);
  const { data: cameras, error: camerasError } = useQuery(camerasQuery);
  const { data: system, error: systemError } = useQuery({ ...systemQuery, enabled: mayChange });
  useEffect(() => { document.title = `${text.system.title} · Lotcast`; }, []);
  const stale = camerasError ?? systemError;
  return (
    <>
      <PageHead title={text.system.title} />
      {error === null && problem !== undefined && cameras !== undefined && <Verdict cameras={cameras} system={system} isReady={problem === null} />}
      <div className="system-cards">
        <GatewayCards problem={problem} away={error?.message ?? null} />
        <ClockCard />
        <section className="card system-card">
          <h2>{text.system.viewers}</h2>
          <p className="system-number">{cameras?.reduce((sum, { viewers }) => sum + viewers, 0) ?? "–"}</p>
        </section>
        {system !== undefined && <MemoryCard redis={system.redis} />}
      </div>
      {stale !== null && cameras !== undefined && <Alert>{text.common.notUpToDate(stale.message)}</Alert>}
      {cameras !== undefined && cameras.length > 0 && <CameraTable cameras={cameras} owners={system?.cameras} />}
      {system !== undefined && <Processes processes={system.processes} />}
      {system !== undefined && <DroppedTable dropped={droppedOf(system, cameras ?? [])} />}
      <section className="card system-preferences" aria-label={text.appearance.label}><Preferences /></section>
    </>
  );
}

/** In one place and in words: all is well, or what is not and what to do. */
function Verdict({ cameras, system, isReady }: { cameras: CameraView[]; system: SystemView | undefined; isReady: boolean }) {
  const now = useNow();
  const bad = cameras.filter((camera) => healthOf(camera, now).tone === "bad").length;
  const trouble = [...(system === undefined ? [] : troubleOf(system)), ...(bad > 0 ? [text.system.camerasBad(bad)] : [])];
  if (trouble.length === 0) {
    return isReady ? <p className="done">{text.system.ok}</p> : null; // what is not ready is told above every page
  }
  return (
    <section className="alert">
      <h2>{text.system.trouble}</h2>
      <ul className="system-trouble">{trouble.map((sentence) => <li key={sentence}>{sentence}</li>)}</ul>
    </section>
  );
}

function GatewayCards({ problem, away }: { problem: string | null | undefined; away: string | null }) {
  const isReady = problem === null && away === null;
  return (
    <>
      <section className="card system-card">
        <h2>{text.system.gateway}</h2>
        <HealthMark tone={away === null ? "good" : "bad"} words={away ?? text.system.answers} />
      </section>
      <section className="card system-card">
        <h2>{text.system.bus}</h2>
        <HealthMark tone={isReady ? "good" : away !== null || problem === undefined ? "waiting" : "bad"} words={isReady ? text.system.ready : (problem ?? "–")} />
      </section>
    </>
  );
}

function ClockCard() {
  const offsetMs = useSyncExternalStore(serverClock.subscribe, () => serverClock.offsetMs);
  const isOff = Math.abs(offsetMs) > SKEW_TOLD_MS;
  return (
    <section className="card system-card">
      <h2>{text.system.clock}</h2>
      <HealthMark tone={isOff ? "waiting" : "good"} words={isOff ? text.system.clockOff(timeSpan(Math.abs(offsetMs)), offsetMs < 0) : text.system.clockSame} />
    </section>
  );
}
