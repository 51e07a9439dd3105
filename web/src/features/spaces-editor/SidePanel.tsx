import { Button, NumberInput, TextInput } from "@mantine/core";
import { useState, type Dispatch, type ReactNode } from "react";

import type { ParkingSpace } from "../../api/client";
import { text } from "../../i18n";
import { nameLength } from "../../shared/nameLength";
import { changed, renamed, rowEnds, rowFilled } from "./edits";
import type { Action, History } from "./history";
import { newNames } from "./names";
import { rowCount } from "./plan";
import type { Problem } from "./problems";
import type { Quad } from "./shapes";

interface Props {
  history: History;
  dispatch: Dispatch<Action>;
  problems: Problem[];
}

/** The list of spaces, what is wrong with them, and the settings of those that are selected. */
export function SidePanel({ history, dispatch, problems, children }: Props & { children?: ReactNode }) {
  const { spaces, selected } = history;
  const chosen = spaces.filter((space) => selected.includes(space.space_id));
  const only = chosen.length === 1 ? chosen[0] : undefined;
  const wrong = new Set(problems.map((problem) => problem.spaceId));
  const ends = rowEnds(spaces, selected);
  const choose = (id: string, isMore: boolean) => {
    const isChosen = selected.includes(id);
    dispatch({ type: "select", selected: !isMore ? [id] : isChosen ? selected.filter((one) => one !== id) : [...selected, id] });
  };
  return (
    <aside className="card editor-side">
      <h2>{chosen.length > 0 ? text.editor.selected(chosen.length) : text.editor.count(spaces.length)}</h2>
      {spaces.length === 0 && <p className="hint">{text.editor.empty}</p>}
      {problems.length > 0 && (
        <ul className="alert editor-problems" role="alert">
          {problems.slice(0, 6).map((problem) => <li key={problem.words + problem.spaceId}>{problem.words}</li>)}
        </ul>
      )}
      {children}
      {spaces.length > 0 && (
        <ul className="editor-list" aria-label={text.camera.list} style={nameLength(spaces.map((space) => space.space_name))}>
          {spaces.map((space) => (
            <li key={space.space_id}>
              <button
                type="button"
                className={wrong.has(space.space_id) ? "editor-chip editor-chip-wrong" : "editor-chip"}
                aria-pressed={selected.includes(space.space_id)}
                onClick={(event) => { choose(space.space_id, event.shiftKey || event.ctrlKey || event.metaKey); }}
              >
                {space.space_name || "–"}
              </button>
            </li>
          ))}
        </ul>
      )}
      {only !== undefined && <SpaceSettings key={only.space_id} space={only} spaces={spaces} dispatch={dispatch} />}
      {ends !== null && <RowForm key={`row ${selected.join()}`} ends={ends} history={history} dispatch={dispatch} />}
      {only === undefined && spaces.length > 0 && <SeriesForm key={selected.join()} history={history} dispatch={dispatch} />}
    </aside>
  );
}

/** The spaces between two ends. */
function RowForm({ ends, history: { spaces, selected }, dispatch }: Omit<Props, "problems"> & { ends: [Quad, Quad] }) {
  const [count, setCount] = useState<number | string>(() => Math.max(3, rowCount(...ends)));
  return (
    <form className="form" onSubmit={(event) => { event.preventDefault(); dispatch({ type: "change", ...rowFilled(spaces, selected, Number(count)) }); }}>
      <NumberInput label={text.editor.rowCount} min={3} max={200} allowDecimal={false} value={count} onChange={setCount} hideControls />
      <Button type="submit">{text.editor.fillRow}</Button>
    </form>
  );
}

/** Names in series for the selection, or for all. */
function SeriesForm({ history: { spaces, selected }, dispatch }: Omit<Props, "problems">) {
  const first = spaces.find((space) => selected.includes(space.space_id)) ?? spaces[0];
  const [name, setName] = useState(first?.space_name ?? newNames([], 1)[0] ?? "");
  return (
    <form className="form" onSubmit={(event) => { event.preventDefault(); if (name.trim() !== "") dispatch({ type: "change", spaces: renamed(spaces, selected, name.trim()) }); }}>
      <TextInput label={text.editor.renameFrom} description={text.editor.renameHint} value={name} onChange={(event) => { setName(event.currentTarget.value); }} />
      <Button type="submit" variant="default">{text.editor.rename}</Button>
    </form>
  );
}

type Threshold = "min_overlap" | "confidence" | "occupied_after_s" | "free_after_s";

/** The name and the thresholds of one space. */
function SpaceSettings({ space, spaces, dispatch }: { space: ParkingSpace; spaces: ParkingSpace[]; dispatch: Dispatch<Action> }) {
  const change = (part: Partial<ParkingSpace>, key: string) => {
    dispatch({ type: "change", spaces: changed(spaces, [space.space_id], (one) => ({ ...one, ...part })), key: `${key} ${space.space_id}` });
  };
  const thresholds: [Threshold, string, number][] = [
    ["min_overlap", text.editor.minOverlap, 1],
    ["confidence", text.editor.confidence, 0.99],
    ["occupied_after_s", text.editor.occupiedAfter, 600],
    ["free_after_s", text.editor.freeAfter, 600],
  ];
  return (
    <div className="form">
      <TextInput label={text.editor.name} value={space.space_name} onChange={(event) => { change({ space_name: event.currentTarget.value }, "name"); }} />
      <details>
        <summary>{text.editor.thresholds}</summary>
        <div className="form editor-thresholds">
          <p className="hint">{text.editor.thresholdsHint}</p>
          {thresholds.map(([field, label, most]) => (
            <NumberInput
              key={field}
              label={label}
              min={0}
              max={most}
              step={most > 1 ? 1 : 0.05}
              value={space[field] ?? ""}
              onChange={(value) => { change({ [field]: value === "" ? null : Number(value) }, field); }}
              hideControls
            />
          ))}
        </div>
      </details>
    </div>
  );
}
