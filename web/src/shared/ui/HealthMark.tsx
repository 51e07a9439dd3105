import type { Tone } from "../cameraHealth";

/** How something does: a mark that shape and colour tell, and the words beside it. */
export function HealthMark({ tone, words }: { tone: Tone; words: string }) {
  return (
    <span className={`health health-${tone}`}>
      <span className="health-mark" aria-hidden="true" />
      <span>{words}</span>
    </span>
  );
}
