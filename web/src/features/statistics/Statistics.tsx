import { Figure } from "../../shared/Figure";
import { percent } from "../../shared/format";
import type { ShownFrame } from "../../stream/useStream";
import { countsOf } from "./counts";
import { SpaceGrid } from "./SpaceGrid";

/** The numbers of the frame that is shown. */
export function Statistics({ frame, isLate }: { frame: ShownFrame | null; isLate: boolean }) {
  const counts = frame === null ? null : countsOf(frame.message.metadata);
  const occupancy = counts === null ? 0 : percent(counts.occupied, counts.total);
  const unknownShare = counts === null ? 0 : percent(counts.unknown, counts.total);
  const trackIds = frame?.message.metadata.track_ids ?? [];
  return (
    <section className={isLate ? "card statistics late" : "card statistics"} aria-labelledby="statistics-title">
      <h2 id="statistics-title">Spaces</h2>
      <dl className="headline">
        <Figure label="Available" testId="available-count" value={counts?.available ?? "–"} size="large" />
        <Figure label="Occupied" testId="occupied-count" value={counts?.occupied ?? "–"} />
        <Figure label="Total" testId="total-count" value={counts?.total ?? "–"} />
        <Figure label="Unknown" testId="unknown-count" value={counts?.unknown ?? "–"} />
        <Figure label="Vehicles" testId="vehicle-count" value={counts?.vehicles ?? "–"} />
      </dl>
      <div className="occupancy">
        <div className="occupancy-text">
          <span>Occupancy</span>
          <span>
            <span data-testid="occupancy-percent">{counts === null ? "–" : occupancy}</span> %
          </span>
        </div>
        <div className="bar" role="meter" aria-label="Occupancy" aria-valuemin={0} aria-valuemax={100} aria-valuenow={occupancy}>
          <div className="bar-occupied" style={{ inlineSize: `${occupancy}%` }} />
          <div className="bar-unknown" style={{ inlineSize: `${unknownShare}%` }} />
        </div>
      </div>
      {frame !== null && <SpaceGrid spaces={frame.message.metadata.space_occupancy ?? []} />}
      <h3>Active tracks</h3>
      <p className="tracks" data-testid="track-ids" tabIndex={0}>
        {trackIds.length === 0 ? "none" : trackIds.map((id) => <span key={id} className="track">#{id}</span>)}
      </p>
    </section>
  );
}
