import type { CSSProperties } from "react";

/** Longer names are cut with an ellipsis; the whole name is in the element's title. */
const LONGEST_SHOWN = 14;

/** The longest of these names in characters, for CSS to size their fields by. */
export function nameLength(names: string[]): CSSProperties {
  const longest = names.reduce((most, name) => Math.max(most, name.length), 2);
  return { "--name-length": Math.min(longest, LONGEST_SHOWN) } as CSSProperties;
}
