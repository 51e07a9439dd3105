import { useEffect, useState } from "react";

import { fetchCameras, fetchSystemProblem } from "../api/client";
import { CameraPicker } from "../features/camera-picker/CameraPicker";
import { cameraFromUrl, defaultCamera, urlWithCamera, urlWithWall, wallFromUrl } from "../features/camera-picker/choice";
import { ConnectionBadge } from "../features/camera-picker/ConnectionBadge";
import { Events } from "../features/events/Events";
import { LiveView } from "../features/live-view/LiveView";
import { StreamFacts } from "../features/live-view/StreamFacts";
import { Statistics } from "../features/statistics/Statistics";
import { usePolled } from "../shared/usePolled";
import { usePictureAge } from "../stream/usePictureAge";
import { useStream } from "../stream/useStream";
import { LogOut } from "./LogOut";
import { NoCameras } from "./NoCameras";

const CAMERAS_EVERY_MS = 3000;
const SYSTEM_EVERY_MS = 5000;

/** The dashboard: one camera at a time. */
export function App() {
  const { value: cameras, error } = usePolled(fetchCameras, CAMERAS_EVERY_MS);
  const { value: systemProblem } = usePolled(fetchSystemProblem, SYSTEM_EVERY_MS);
  const [chosen, setChosen] = useState(() => cameraFromUrl(window.location.search));
  const [wall, setWall] = useState(() => wallFromUrl(window.location.search));
  const [first, setFirst] = useState<string | null>(null);
  if (first === null && cameras !== null && cameras.length > 0) {
    setFirst(defaultCamera(cameras)); // once: a camera that comes later does not take the viewer away from this one
  }
  const cameraId = chosen ?? first;
  const stream = useStream(cameraId);
  const camera = cameras?.find((one) => one.id === cameraId) ?? null;
  const age = usePictureAge(stream.frame, camera?.fps ?? null);
  const isSwitchedOff = camera?.status.state === "disabled";
  const isOutdated = age.isLate || isSwitchedOff;

  useEffect(() => {
    document.title = camera === null ? "Lotcast" : `${camera.name} · Lotcast`;
  }, [camera]);

  const select = (id: string) => {
    setChosen(id);
    window.history.replaceState(null, "", urlWithCamera(window.location.href, id));
  };
  const showWall = (on: boolean) => {
    setWall(on);
    window.history.replaceState(null, "", urlWithWall(window.location.href, on));
  };

  return (
    <div className={wall ? "page page-wall" : "page"}>
      <header>
        <h1>
          <img src="/favicon.svg" alt="" width="28" height="28" /> Lotcast
        </h1>
        <CameraPicker cameras={cameras ?? []} selected={cameraId} onSelect={select} />
        {cameraId !== null && (
          <ConnectionBadge
            connection={stream.state}
            hasPicture={stream.frame !== null}
            isLate={age.isLate}
            isSwitchedOff={isSwitchedOff}
          />
        )}
        <button type="button" aria-pressed={wall} onClick={() => { showWall(!wall); }}>
          Wall view
        </button>
        <LogOut />
      </header>
      {(systemProblem ?? error) !== null && (
        <p className="alert" role="alert">
          {systemProblem ?? `The list of cameras is not up to date. ${error ?? ""}`}
        </p>
      )}
      {cameraId === null ? (
        <NoCameras loading={cameras === null} />
      ) : (
        <main>
          <div className="watching">
            <section className="stage" aria-label="Live picture">
              <LiveView stream={stream} camera={camera} isListKnown={cameras !== null} age={age} />
              <StreamFacts frame={stream.frame} viewers={camera?.viewers ?? null} isLate={isOutdated} />
            </section>
            <Events key={cameraId} cameraId={cameraId} />
          </div>
          <Statistics frame={stream.frame} isOutdated={isOutdated} />
        </main>
      )}
    </div>
  );
}
