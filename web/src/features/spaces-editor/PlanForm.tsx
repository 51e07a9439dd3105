import { Button, NumberInput } from "@mantine/core";
import type { FocusEvent } from "react";

import { text } from "../../i18n";
import { PLANNED_MAX, type Counts, type Plan } from "./plan";

interface Props {
  plan: Plan;
  counts: Counts;
  /** The counts give spaces that can be made. */
  isRight: boolean;
  onCounts: (counts: Counts) => void;
  onDone: () => void;
  onCancel: () => void;
}

/** How many spaces a block or a row has. The picture shows them while this is typed. */
export function PlanForm({ plan: { kind }, counts, isRight, onCounts, onDone, onCancel }: Props) {
  const common = { min: 1, max: PLANNED_MAX, allowDecimal: false, hideControls: true, onFocus: (event: FocusEvent<HTMLInputElement>) => { event.currentTarget.select(); } };
  const given = (count: number | string) => (typeof count === "number" ? count : 0);
  return (
    <form className="grid-form" onSubmit={(event) => { event.preventDefault(); if (isRight) onDone(); }}>
      {kind === "grid" && <NumberInput label={text.editor.rows} value={counts.rows || ""} onChange={(rows) => { onCounts({ ...counts, rows: given(rows) }); }} {...common} />}
      <NumberInput
        label={kind === "grid" ? text.editor.columns : text.editor.rowCount} autoFocus
        value={counts.columns || ""} onChange={(columns) => { onCounts({ ...counts, columns: given(columns) }); }} {...common}
      />
      <Button type="submit" disabled={!isRight}>{kind === "grid" ? text.editor.divide : text.editor.fillRow}</Button>
      <Button variant="default" onClick={onCancel}>{text.common.cancel}</Button>
    </form>
  );
}
