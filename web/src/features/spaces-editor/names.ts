const ENDS_IN_NUMBER = /^(.*?)(\d+)$/;

/** The name after this one in a series: A1 → A2, A09 → A10; one without a number gets one. */
export function nextName(name: string): string {
  const match = ENDS_IN_NUMBER.exec(name);
  if (match === null) {
    return `${name}2`;
  }
  const [, start = "", digits = ""] = match;
  return start + String(Number(digits) + 1).padStart(digits.length, "0");
}

/** `count` names from `first` on, none of which is taken. */
export function series(first: string, count: number, taken: ReadonlySet<string>): string[] {
  const names: string[] = [];
  let name = first;
  while (names.length < count) {
    if (!taken.has(name)) names.push(name);
    name = nextName(name);
  }
  return names;
}

/** Names for new spaces: they go on where the last one's series ends. */
export function newNames(existing: readonly string[], count: number): string[] {
  const last = existing.at(-1);
  return series(last === undefined ? "A1" : nextName(last), count, new Set(existing));
}
