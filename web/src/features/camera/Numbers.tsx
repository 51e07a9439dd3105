import { text } from "../../i18n";
import type { Scene } from "../../live/scene";
import { isFull } from "../../shared/counts";
import { percent } from "../../shared/format";
import { Figure } from "../../shared/ui/Figure";

interface Props {
  counts: Scene["counts"] | null;
  /** The picture no longer says how the lot is now: nobody knows the state of any space. */
  isOutdated: boolean;
}

/** How many spaces are free, first and large; then the rest. */
export function Numbers({ counts, isOutdated }: Props) {
  const known = isOutdated ? null : counts;
  const full = known !== null && isFull(known);
  const occupancy = known === null ? 0 : percent(known.occupied, known.total);
  const unknownShare = counts === null ? 0 : percent(counts.unknown, counts.total);
  if (counts?.total === 0) {
    return (
      <dl className="headline">
        <Figure label={text.count.vehicles} testId="vehicle-count" value={known?.vehicles ?? "–"} size="large" />
      </dl>
    );
  }
  return (
    <>
      <dl className={full ? "headline headline-full" : "headline"}>
        {full && <div className="figure figure-full"><dt className="visually-hidden">{text.camera.list}</dt><dd>{text.count.full}</dd></div>}
        <Figure label={text.count.free} testId="available-count" value={known?.available ?? "–"} size={full ? "small" : "large"} />
        <Figure label={text.count.taken} testId="occupied-count" value={known?.occupied ?? "–"} />
        <Figure label={text.count.unknown} testId="unknown-count" value={counts?.unknown ?? "–"} />
        <Figure label={text.count.total} testId="total-count" value={counts?.total ?? "–"} />
        <Figure label={text.count.vehicles} testId="vehicle-count" value={known?.vehicles ?? "–"} />
      </dl>
      <div className="occupancy">
        <div className="occupancy-text">
          <span>{text.count.occupancy}</span>
          <span><span data-testid="occupancy-percent">{known === null ? "–" : occupancy}</span> %</span>
        </div>
        <div className="bar" role="meter" aria-label={text.count.occupancy} aria-valuemin={0} aria-valuemax={100} aria-valuenow={occupancy}>
          <div className="bar-occupied" style={{ inlineSize: `${occupancy}%` }} />
          <div className="bar-unknown" style={{ inlineSize: `${unknownShare}%` }} />
        </div>
      </div>
    </>
  );
}
