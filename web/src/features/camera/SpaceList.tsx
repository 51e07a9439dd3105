import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { memo, useEffect, useRef } from "react";

import { text } from "../../i18n";
import type { SceneSpace } from "../../live/scene";
import { nameLength } from "../../shared/nameLength";
import { useSession } from "../../shared/useSession";
import { haveSameStates, type Pointing } from "./SpaceLayer";

interface Props extends Pointing {
  spaces: readonly SceneSpace[];
}

/** Every space with its state, told by shape as well as by colour; one that is chosen or pointed at is shown on the picture too. */
export const SpaceList = memo(function SpaceList({ spaces, chosen, onChoose, pointed, onPoint }: Props) {
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    const box = list.current;
    const found = box?.querySelector<HTMLElement>("[aria-pressed=true]");
    if (box != null && found != null) {
      showWithin(box, found);
    }
  }, [chosen]);
  return (
    <ul ref={list} className="spaces" aria-label={text.camera.list} tabIndex={0} style={nameLength(spaces.map((space) => space.name))}>
      {spaces.map(({ id, name, state }) => {
        const isChosen = id === chosen;
        return (
          <li key={id}>
            <button
              type="button"
              className={`space space-${state}${id === pointed ? " space-pointed" : ""}`}
              title={`${name}: ${text.state[state]}`}
              aria-pressed={isChosen}
              onClick={() => { onChoose(isChosen ? null : id); }}
              onPointerEnter={() => { onPoint(id); }}
              onPointerLeave={() => { onPoint(null); }}
              onFocus={() => { onPoint(id); }}
              onBlur={() => { onPoint(null); }}
            >
              {name}
              <span className="visually-hidden">: {text.state[state]}</span>
            </button>
          </li>
        );
      })}
    </ul>
  );
}, (before, after) => before.chosen === after.chosen && before.pointed === after.pointed && haveSameStates(before.spaces, after.spaces));

/** Scrolls the box so that the item in it is seen, and nothing else of the page. */
function showWithin(box: HTMLElement, item: HTMLElement): void {
  const [outer, inner] = [box.getBoundingClientRect(), item.getBoundingClientRect()];
  if (inner.top < outer.top) {
    box.scrollTop -= outer.top - inner.top;
  } else if (inner.bottom > outer.bottom) {
    box.scrollTop += inner.bottom - outer.bottom;
  }
}

/** No marked spaces: what to do, not a count of none. */
export function Invitation({ cameraId }: { cameraId: string }) {
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
