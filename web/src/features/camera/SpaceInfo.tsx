import { CloseButton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";

import type { ParkingSpace } from "../../api/client";
import { eventsQuery, occupancyQuery, spacesQuery } from "../../api/queries";
import { text } from "../../i18n";
import type { SceneSpace } from "../../live/scene";
import { ago, shortTime } from "../../shared/format";
import { useNow } from "../../shared/useNow";
import { ChangeList } from "./Changes";

const ASKED = 200;
const SHOWN = 4;

/** One space: its state, since when, its last changes, its thresholds. */
export function SpaceInfo({ cameraId, space: { id, name, state }, onClose }: { cameraId: string; space: SceneSpace; onClose: () => void }) {
  const now = useNow();
  const { data: events } = useQuery(eventsQuery(cameraId, ASKED));
  const { data: occupancy } = useQuery(occupancyQuery(cameraId));
  const { data: told } = useQuery(spacesQuery(cameraId));
  const stored = occupancy?.find((one) => one.space_id === id);
  const since = stored?.state === state ? stored.since : null;
  const own = (events ?? []).filter((event) => event.space_id === id);
  const settings = told?.spaces.find((one) => one.space_id === id);
  return (
    <section className="space-info" aria-label={text.camera.spaceTitle(name)} aria-live="polite">
      <header>
        <h3>{text.camera.spaceTitle(name)}</h3>
        <CloseButton aria-label={text.common.close} onClick={onClose} />
      </header>
      <p>
        <strong className={`space-info-state space-info-${state}`}>{text.state[state]}</strong>
        {since !== null && state !== "unknown" && <> · {text.time.since(shortTime(since * 1000, now))} <span className="hint">({ago(since * 1000, now)})</span></>}
      </p>
      {own.length > 0 && <ChangeList events={own} shown={SHOWN} />}
      {settings !== undefined && <Thresholds settings={settings} />}
    </section>
  );
}

function Thresholds({ settings }: { settings: ParkingSpace }) {
  const percentOf = (share: number | null | undefined) => (share == null ? null : `${Math.round(share * 100)} %`);
  const secondsOf = (seconds: number | null | undefined) => (seconds == null ? null : `${seconds} s`);
  const rows = [
    [text.camera.minOverlap, percentOf(settings.min_overlap)],
    [text.camera.confidence, percentOf(settings.confidence)],
    [text.camera.occupiedAfter, secondsOf(settings.occupied_after_s)],
    [text.camera.freeAfter, secondsOf(settings.free_after_s)],
  ].filter(([, value]) => value !== null);
  return <p className="hint">{text.camera.thresholds}: {rows.length === 0 ? text.camera.asDetector : rows.map(([label, value]) => `${label} ${value}`).join(", ")}</p>;
}
