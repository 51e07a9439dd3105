import { useQuery } from "@tanstack/react-query";
import { memo } from "react";

import type { EventView } from "../../api/client";
import { eventsQuery } from "../../api/queries";
import { text } from "../../i18n";
import { ago, clockTime, dateTime, shortTime } from "../../shared/format";
import { useNow } from "../../shared/useNow";
import { newsOf } from "./changes";

/** So many are asked for, since not all of them are news, and so many are shown. */
const ASKED = 60;
const SHOWN = 10;

/** The last arrivals and departures. */
export const Changes = memo(function Changes({ cameraId }: { cameraId: string }) {
  const { data, error } = useQuery(eventsQuery(cameraId, ASKED));
  return (
    <section className="card changes" aria-labelledby="changes-title">
      <h2 id="changes-title">{text.camera.changes}</h2>
      {error !== null && <p className="hint">{text.common.notUpToDate(error.message)}</p>}
      {data !== undefined && <ChangeList events={data} shown={SHOWN} />}
    </section>
  );
});

/** Changes in words, newest first. */
export function ChangeList({ events, shown }: { events: EventView[]; shown: number }) {
  const now = useNow();
  const news = events.flatMap((event) => {
    const words = newsOf(event);
    return words === null ? [] : [{ event, words }];
  });
  if (news.length === 0) {
    return <p className="hint">{text.camera.noChanges}</p>;
  }
  return (
    <ol className="change-list">
      {news.slice(0, shown).map(({ event, words }) => (
        <li key={event.id}>
          <span className={`change-mark space-${event.state}`} aria-hidden="true" />
          <span className="change-words">{words}</span>
          <time dateTime={new Date(event.at * 1000).toISOString()} title={`${dateTime(event.at * 1000)} (${clockTime(event.at * 1000)})`}>
            {ago(event.at * 1000, now)} <span className="change-date">{shortTime(event.at * 1000, now)}</span>
          </time>
        </li>
      ))}
    </ol>
  );
}
