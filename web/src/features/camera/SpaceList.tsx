import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { memo } from "react";

import { text } from "../../i18n";
import { stateOf } from "../../shared/counts";
import { nameLength } from "../../shared/nameLength";
import { useSession } from "../../shared/useSession";
import type { Space } from "../../stream/message";
import { haveSameStates } from "./SpaceLayer";

interface Props {
  cameraId: string;
  spaces: Space[];
  chosen: string | null;
  onChoose: (spaceId: string | null) => void;
}

/** Every space with its state, told by shape as well as by colour; one that is chosen is shown on the picture too. */
export const SpaceList = memo(function SpaceList({ cameraId, spaces, chosen, onChoose }: Props) {
  if (spaces.length === 0) {
    return <Invitation cameraId={cameraId} />;
  }
  return (
    <ul className="spaces" aria-label={text.camera.list} tabIndex={0} style={nameLength(spaces.map((space) => space.space_name))}>
      {spaces.map((space) => {
        const state = stateOf(space);
        const isChosen = space.space_id === chosen;
        return (
          <li key={space.space_id}>
            <button
              type="button"
              className={`space space-${state}`}
              title={`${space.space_name}: ${text.state[state]}`}
              aria-pressed={isChosen}
              onClick={() => { onChoose(isChosen ? null : space.space_id); }}
            >
              {space.space_name}
              <span className="visually-hidden">: {text.state[state]}</span>
            </button>
          </li>
        );
      })}
    </ul>
  );
}, (before, after) => before.chosen === after.chosen && before.cameraId === after.cameraId && haveSameStates(before.spaces, after.spaces));

/** No marked spaces: what to do, not a count of none. */
function Invitation({ cameraId }: { cameraId: string }) {
  const { mayChange } = useSession();
  return (
    <div className="invitation">
      <h2>{text.camera.noSpaces}</h2>
      {mayChange && (
        <>
          <p className="hint">{text.camera.noSpacesInvite}</p>
          <Button renderRoot={(props) => <Link to="/cameras/$cameraId/spaces" params={{ cameraId }} {...props} />}>{text.camera.markSpaces}</Button>
        </>
      )}
    </div>
  );
}
