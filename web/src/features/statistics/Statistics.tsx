import { Figure } from "../../shared/Figure";
import { percent } from "../../shared/format";
import type { ShownFrame } from "../../stream/useStream";
import { asUnknown, countsOf } from "./counts";
import { SpaceGrid } from "./SpaceGrid";

interface Props {
  frame: ShownFrame | null;
  /** The picture no longer says how the lot is now: nobody knows the state of any space. */
  isOutdated: boolean;
}

/** The numbers of the frame that is shown. */
export function Statistics({ frame, isOutdated }: Props) {
  const told = frame?.message.metadata ?? null;
  const metadata = told === null ? null : isOutdated ? asUnknown(told) : told;
  const counts = metadata === null ? null : countsOf(metadata);
  const known = isOutdated ? null : counts;
  const occupancy = known === null ? 0 : percent(known.occupied, known.total);
  const unknownShare = counts === null ? 0 : percent(counts.unknown, counts.total);
  const trackIds = metadata?.track_ids ?? [];
  return (
    <section className={isOutdated ? "card statistics late" : "card statistics"} aria-labelledby="statistics-title">
      <h2 id="statistics-title">Spaces</h2>
      <dl className="headline">
        <Figure label="Available" testId="available-count" value={known?.available ?? "–"} size="large" />
        <Figure label="Occupied" testId="occupied-count" value={known?.occupied ?? "–"} />
        <Figure label="Total" testId="total-count" value={counts?.total ?? "–"} />
        <Figure label="Unknown" testId="unknown-count" value={counts?.unknown ?? "–"} />
        <Figure label="Vehicles" testId="vehicle-count" value={known?.vehicles ?? "–"} />
      </dl>
      <div className="occupancy">
        <div className="occupancy-text">
          <span>Occupancy</span>
          <span>
            <span data-testid="occupancy-percent">{known === null ? "–" : occupancy}</span> %
          </span>
        </div>
        <div className="bar" role="meter" aria-label="Occupancy" aria-valuemin={0} aria-valuemax={100} aria-valuenow={occupancy}>
          <div className="bar-occupied" style={{ inlineSize: `${occupancy}%` }} />
          <div className="bar-unknown" style={{ inlineSize: `${unknownShare}%` }} />
        </div>
      </div>
      {metadata !== null && <SpaceGrid spaces={metadata.space_occupancy ?? []} />}
      <h3>Active tracks</h3>
      <p className="tracks" data-testid="track-ids" tabIndex={0}>
        {isOutdated ? "–" : trackIds.length === 0 ? "none" : trackIds.map((id) => <span key={id} className="track">#{id}</span>)}
      </p>
    </section>
  );
}
