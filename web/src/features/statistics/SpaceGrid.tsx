import { memo } from "react";

import type { SpaceState } from "../../api/client";
import { nameLength } from "../../shared/nameLength";
import type { Space } from "../../stream/message";
import { stateOf } from "./counts";

const WORD: Record<SpaceState, string> = { free: "free", occupied: "occupied", unknown: "unknown" };

/** Every space with its state, told by shape as well as by colour. */
export const SpaceGrid = memo(
  function SpaceGrid({ spaces }: { spaces: Space[] }) {
    if (spaces.length === 0) {
      return <p className="hint">No spaces are marked for this camera.</p>;
    }
    return (
      <ul className="spaces" aria-label="Spaces" tabIndex={0} style={nameLength(spaces.map((space) => space.space_name))}>
        {spaces.map((space) => {
          const state = stateOf(space);
          return (
            <li key={space.space_id} className={`space space-${state}`} title={`${space.space_name}: ${WORD[state]}`}>
              {space.space_name}
              <span className="visually-hidden">: {WORD[state]}</span>
            </li>
          );
        })}
      </ul>
    );
  },
  (before, after) =>
    before.spaces.length === after.spaces.length &&
    before.spaces.every((space, index) => {
      const other = after.spaces[index];
      return other !== undefined && space.space_id === other.space_id && stateOf(space) === stateOf(other);
    }),
);
