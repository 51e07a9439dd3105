import type { SystemView } from "../../api/client";
import { text } from "../../i18n";
import { timeSpan } from "../../shared/format";

/** A host whose clock differs from Redis's by less does no harm; the services complain from here on, too. */
const SKEW_MAX_MS = 500;

/** What is wrong with the system and what to do, a sentence each; empty if nothing is. */
export function troubleOf({ missing, processes, redis }: SystemView): string[] {
  const { memoryFull, memoryTight, saveFailed, hostClock, versionsDiffer } = text.system;
  const found = missing.map((role) => text.system.missing[role]);
  if (redis.level !== "ok") found.push(redis.level === "full" ? memoryFull : memoryTight);
  if (redis.save_failed) found.push(saveFailed);
  const skews = new Map(processes.flatMap(({ host, clock_skew_ms: skew }) => (host === null || skew === null ? [] : [[host, skew] as const])));
  for (const [host, skew] of skews) {
    if (Math.abs(skew) > SKEW_MAX_MS) found.push(hostClock(host, timeSpan(Math.max(1000, Math.abs(skew))), skew > 0));
  }
  const versions = [...new Set(processes.flatMap(({ version }) => version ?? []))].sort();
  if (versions.length > 1) found.push(versionsDiffer(versions.join(", ")));
  return found;
}
