import { useState } from "react";

/** A choice that this browser keeps; where it keeps nothing, it holds for as long as the page is open. */
export function useRemembered(name: string, initial: boolean): [boolean, (value: boolean) => void] {
  const key = `lotcast.${name}`;
  const [value, setValue] = useState(() => read(key, initial));
  return [
    value,
    (changed: boolean) => {
      setValue(changed);
      try {
        localStorage.setItem(key, JSON.stringify(changed));
      } catch {
        // private windows may refuse
      }
    },
  ];
}

function read(key: string, initial: boolean): boolean {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(key) ?? "null");
    return typeof kept === "boolean" ? kept : initial;
  } catch {
    return initial;
  }
}
