import type { ParkingSpace } from "../../api/client";

const STEPS_MAX = 200;

/** The spaces as they are drawn, with what was before each change and what was undone. */
export interface History {
  spaces: ParkingSpace[];
  selected: string[];
  past: ParkingSpace[][];
  future: ParkingSpace[][];
  /** Changes in a row with the same key (one drag, one run of arrow keys) are one step. */
  key: string | null;
}

export type Action =
  | { type: "change"; spaces: ParkingSpace[]; selected?: string[]; key?: string }
  | { type: "select"; selected: string[] }
  | { type: "undo" }
  | { type: "redo" }
  | { type: "reset"; spaces: ParkingSpace[] };

export function emptyHistory(spaces: ParkingSpace[]): History {
  return { spaces, selected: [], past: [], future: [], key: null };
}

/** Applies one action; a selection never names a space that is gone. */
export function reduce(before: History, action: Action): History {
  switch (action.type) {
    case "change": {
      const isSameStep = action.key !== undefined && action.key === before.key;
      const past = isSameStep ? before.past : [...before.past, before.spaces].slice(-STEPS_MAX);
      const selected = action.selected ?? before.selected;
      return { spaces: action.spaces, selected: present(selected, action.spaces), past, future: [], key: action.key ?? null };
    }
    case "select":
      return { ...before, selected: present(action.selected, before.spaces), key: null };
    case "undo": {
      const spaces = before.past.at(-1);
      return spaces === undefined
        ? before
        : { spaces, selected: present(before.selected, spaces), past: before.past.slice(0, -1), future: [before.spaces, ...before.future], key: null };
    }
    case "redo": {
      const [spaces, ...future] = before.future;
      return spaces === undefined
        ? before
        : { spaces, selected: present(before.selected, spaces), past: [...before.past, before.spaces], future, key: null };
    }
    case "reset":
      return emptyHistory(action.spaces);
  }
}

function present(selected: readonly string[], spaces: readonly ParkingSpace[]): string[] {
  const known = new Set(spaces.map((space) => space.space_id));
  return selected.filter((id) => known.has(id));
}
