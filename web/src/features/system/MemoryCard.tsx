import { Progress } from "@mantine/core";

import type { SystemView } from "../../api/client";
import { text } from "../../i18n";
import { bytes, percent } from "../../shared/format";

/** How full Redis is. */
export function MemoryCard({ redis: { used_bytes: used, limit_bytes: limit, level } }: { redis: SystemView["redis"] }) {
  const { memory, memoryOf, memoryNoLimit } = text.system;
  return (
    <section className="card system-card">
      <h2>{memory}</h2>
      <p>{limit > 0 ? memoryOf(bytes(used), bytes(limit)) : memoryNoLimit(bytes(used))}</p>
      {limit > 0 && <Progress value={percent(used, limit)} color={level === "ok" ? "teal" : "orange"} aria-label={memory} />}
    </section>
  );
}
