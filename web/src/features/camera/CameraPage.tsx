import { useQuery } from "@tanstack/react-query";
import { Link, useParams, useSearch } from "@tanstack/react-router";
import { useEffect, useState } from "react";

import type { CameraView } from "../../api/client";
import { camerasQuery } from "../../api/queries";
import { text } from "../../i18n";
import { Alert } from "../../shared/ui/Alert";
import { Empty } from "../../shared/ui/Empty";
import { asUnknown } from "../../shared/counts";
import { usePictureAge } from "../../stream/usePictureAge";
import { useStream } from "../../stream/useStream";
import { badgeFor } from "./badge";
import "./camera.css";
import { CameraHead } from "./CameraHead";
import { Changes } from "./Changes";
import { Details } from "./Details";
import { LivePicture } from "./LivePicture";
import { Numbers } from "./Numbers";
import { SpaceInfo } from "./SpaceInfo";
import { SpaceList } from "./SpaceList";

const NO_CAMERAS: CameraView[] = [];

/** One camera: its picture, its numbers, its spaces, and what has changed. */
export function CameraPage() {
  const { cameraId } = useParams({ from: "/cameras/$cameraId" });
  return <Camera key={cameraId} cameraId={cameraId} />; // nothing of one camera is shown beside another
}

function Camera({ cameraId }: { cameraId: string }) {
  const isWall = useSearch({ from: "/cameras/$cameraId", select: ({ wall }) => wall !== undefined });
  const { data: cameras, error } = useQuery(camerasQuery);
  const camera = cameras?.find((one) => one.id === cameraId) ?? null;
  const stream = useStream(cameraId);
  const age = usePictureAge(stream.frame, camera?.fps ?? null);
  const [chosen, setChosen] = useState<string | null>(null);
  const name = camera?.name ?? cameraId;
  useEffect(() => { document.title = `${name} · Lotcast`; }, [name]);

  const isSwitchedOff = camera?.status.state === "disabled";
  const isOutdated = age.isLate || isSwitchedOff;
  const [tone, words] = badgeFor({ connection: stream.state, hasPicture: stream.frame !== null, isLate: age.isLate, isSwitchedOff });
  const told = stream.frame?.message.metadata ?? null;
  const metadata = told !== null && isOutdated ? asUnknown(told) : told;
  const spaces = metadata?.space_occupancy ?? [];
  const space = spaces.find((one) => one.space_id === chosen) ?? null;

  if (cameras !== undefined && camera === null && stream.frame === null && stream.state === "closed") {
    return <Empty title={text.camera.notFound} hint={text.camera.notFoundHint}><Link to="/cameras">{text.camera.toCameras}</Link></Empty>;
  }
  return (
    <div className={isWall ? "camera camera-wall" : "camera"}>
      <CameraHead
        cameraId={cameraId}
        cameras={cameras ?? NO_CAMERAS}
        isWall={isWall}
        tone={tone}
        words={words}
      />
      {error !== null && <Alert>{text.common.notUpToDate(error.message)}</Alert>}
      {typeof camera?.status.notice === "string" && !isSwitchedOff && <Alert>{camera.status.notice}</Alert>}
      <div className="camera-body">
        <LivePicture
          stream={stream}
          camera={camera}
          isListKnown={cameras !== undefined}
          age={age}
          spaces={spaces}
          chosen={chosen}
          onChoose={setChosen}
        />
        <section className={isOutdated ? "card statistics late" : "card statistics"} aria-label={text.camera.list}>
          <Numbers metadata={metadata} isOutdated={isOutdated} />
          {metadata !== null && <SpaceList cameraId={cameraId} spaces={spaces} chosen={chosen} onChoose={setChosen} />}
          {space !== null && <SpaceInfo cameraId={cameraId} space={space} onClose={() => { setChosen(null); }} />}
        </section>
        <div className="camera-more">
          <Changes cameraId={cameraId} />
          <Details frame={stream.frame} viewers={camera?.viewers ?? null} isOutdated={isOutdated} />
        </div>
      </div>
    </div>
  );
}
