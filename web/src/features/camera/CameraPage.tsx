import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useDeferredValue, useEffect, useMemo, useState } from "react";

import type { CameraView } from "../../api/client";
import { camerasQuery } from "../../api/queries";
import { text } from "../../i18n";
import { useConnection } from "../../live/page";
import { asUnknown, type SceneSpace } from "../../live/scene";
import { useLiveCamera } from "../../live/useLiveCamera";
import { noticeOf } from "../../shared/reasons";
import { Alert } from "../../shared/ui/Alert";
import { useWall } from "../../shared/useWall";
import { usePictureAge } from "../../stream/usePictureAge";
import { badgeFor } from "./badge";
import "./camera.css";
import "./picture.css";
import "./numbers.css";
import "./lists.css";
import "./wall.css"; // last: a wall has its own measures for all of the above
import { CameraHead } from "./CameraHead";
import { Changes } from "./Changes";
import { Details } from "./Details";
import { LivePicture } from "./LivePicture";
import { Numbers } from "./Numbers";
import { SpaceInfo } from "./SpaceInfo";
import type { Pointing } from "./SpaceLayer";
import { Invitation, SpaceList } from "./SpaceList";

const NO_CAMERAS: CameraView[] = [];
const NO_SPACES: readonly SceneSpace[] = [];

/** One camera: its picture, its numbers, its spaces, and what has changed. */
export function CameraPage() {
  const { cameraId } = useParams({ from: "/cameras/$cameraId" });
  return <Camera key={cameraId} cameraId={cameraId} />; // nothing of one camera is shown beside another
}

function Camera({ cameraId }: { cameraId: string }) {
  const { isWall } = useWall();
  const { data: cameras, error } = useQuery(camerasQuery);
  const camera = cameras?.find((one) => one.id === cameraId) ?? null;
  const connection = useConnection();
  // An old worker has one picture, with its own drawings.
  const shown = useLiveCamera(cameraId, camera?.registered === false ? "annotated" : "plain");
  const { frame } = shown;
  const age = usePictureAge(shown.seen, camera?.fps ?? null);
  const pointing = usePointing();
  const name = camera?.name ?? cameraId;
  useEffect(() => { document.title = `${name} · Lotcast`; }, [name]);

  const isSwitchedOff = camera?.status.state === "disabled";
  const notice = camera === null ? null : noticeOf(camera.status);
  const isOutdated = age.isLate || isSwitchedOff;
  const [tone, words] = badgeFor({ connection, hasPicture: frame !== null, isLate: age.isLate, isSwitchedOff });
  const told = frame?.scene ?? null;
  const scene = told !== null && isOutdated ? asUnknown(told) : told;
  const spaces = scene?.spaces ?? NO_SPACES;
  // Picture and numbers first: what stands beside and below them is built in the pauses, and then changes with them.
  const isListShown = useDeferredValue(scene !== null, false);
  const isRestShown = useDeferredValue(true, false);
  const space = spaces.find((one) => one.id === pointing.chosen) ?? null;

  return (
    <div className={isWall ? "camera camera-wall" : "camera"}>
      <CameraHead cameraId={cameraId} cameras={cameras ?? NO_CAMERAS} tone={tone} words={words} />
      {error !== null && <Alert>{text.common.notUpToDate(error.message)}</Alert>}
      {notice !== null && !isSwitchedOff && <Alert>{notice}</Alert>}
      <div className="camera-body">
        <div className={isOutdated ? "camera-side late" : "camera-side"}>
          <section className="card numbers" aria-label={text.count.occupancy}>
            <Numbers counts={scene?.counts ?? null} isOutdated={isOutdated} />
          </section>
          {scene !== null && isListShown && (
            <section className="card statistics" aria-label={text.camera.list}>
              {space !== null && <SpaceInfo cameraId={cameraId} space={space} onClose={() => { pointing.onChoose(null); }} />}
              {scene.counts.total === 0 ? <Invitation cameraId={cameraId} /> : <SpaceList spaces={spaces} {...pointing} />}
            </section>
          )}
        </div>
        <LivePicture
          connection={connection}
          shown={shown}
          camera={camera}
          isListKnown={cameras !== undefined}
          age={age}
          spaces={spaces}
          pointing={pointing}
        />
        <div className="camera-more">
          {isRestShown && (
            <>
              <Changes cameraId={cameraId} />
              <Details cameraId={cameraId} frame={frame} viewers={camera?.viewers ?? null} isOutdated={isOutdated} />
            </>
          )}
        </div>
      </div>
    </div>
  );
}

function usePointing(): Pointing {
  const [chosen, onChoose] = useState<string | null>(null);
  const [pointed, onPoint] = useState<string | null>(null);
  return useMemo(() => ({ chosen, onChoose, pointed, onPoint }), [chosen, pointed]);
}
