import { Button } from "@mantine/core";
import { useElementSize } from "@mantine/hooks";
import { IconDeviceTv, IconMaximize } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, Navigate, useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, type CSSProperties } from "react";

import type { CameraView } from "../../api/client";
import { camerasQuery } from "../../api/queries";
import { text } from "../../i18n";
import { Alert } from "../../shared/ui/Alert";
import { Empty } from "../../shared/ui/Empty";
import { useNow } from "../../shared/useNow";
import { useSession } from "../../shared/useSession";
import { columnsFor } from "./layout";
import "./overview.css";
import { Tile } from "./Tile";
import { totalsOf } from "./totals";

/** Height of a tile's text and of the gap round it, in rem. */
const TILE_TEXT_REM = 3.5;

/** All cameras at a glance: how many spaces are free, and which camera needs a look. */
export function OverviewPage() {
  const isWall = useSearch({ from: "/", select: ({ wall }) => wall !== undefined });
  const { data: cameras, error } = useQuery(camerasQuery);
  const only = cameras?.length === 1 ? cameras[0]?.id : undefined; // of one camera there is no overview but its own page
  useEffect(() => { document.title = `${text.overview.title} · Lotcast`; }, []);
  return (
    <>
      {error !== null && cameras !== undefined && <Alert>{text.common.notUpToDate(error.message)}</Alert>}
      {cameras === undefined ? (
        <p className="hint" role="status">{error === null ? text.overview.loadingCameras : error.message}</p>
      ) : cameras.length === 0 ? (
        <NoCameras />
      ) : only !== undefined ? (
        <Navigate to="/cameras/$cameraId" params={{ cameraId: only }} search={isWall ? { wall: 1 } : {}} replace />
      ) : (
        <>
          <Head cameras={cameras} isWall={isWall} />
          <Tiles cameras={cameras} isWall={isWall} />
        </>
      )}
    </>
  );
}

function NoCameras() {
  const { mayChange } = useSession();
  return (
    <Empty title={text.overview.emptyTitle} hint={mayChange ? text.overview.emptyText : text.overview.emptyViewer}>
      {mayChange && <Button renderRoot={(props) => <Link to="/cameras" hash="add" {...props} />}>{text.cameras.add}</Button>}
    </Empty>
  );
}

function Head({ cameras, isWall }: { cameras: CameraView[]; isWall: boolean }) {
  const navigate = useNavigate({ from: "/" });
  const totals = totalsOf(cameras);
  return (
    <header className="overview-head">
      <h1 className="visually-hidden">{text.overview.title}</h1>
      {totals.total > 0 && (
        <p className="overview-total">
          <strong data-testid="total-free">{totals.free}</strong>
          <span>{text.overview.freeOf(totals.total)}</span>
        </p>
      )}
      {totals.notCounted > 0 && <p className="overview-missing">{text.overview.notCounted(totals.notCounted)}</p>}
      <div className="page-actions">
        {isWall && document.fullscreenEnabled && (
          <Button variant="default" leftSection={<IconMaximize size="1.1rem" aria-hidden />} onClick={() => void document.documentElement.requestFullscreen()}>
            {text.camera.fullScreen}
          </Button>
        )}
        <Button
          variant="default"
          leftSection={<IconDeviceTv size="1.1rem" aria-hidden />}
          aria-pressed={isWall}
          onClick={() => void navigate({ search: isWall ? {} : { wall: 1 }, replace: true })}
        >
          {text.camera.wallView}
        </Button>
      </div>
    </header>
  );
}

function Tiles({ cameras, isWall }: { cameras: CameraView[]; isWall: boolean }) {
  const now = useNow(isWall ? 1000 : 2000);
  const { ref, width, height } = useElementSize<HTMLUListElement>();
  const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  const columns = columnsFor(cameras.length, width, height, TILE_TEXT_REM * rem);
  const style = (isWall ? { "--columns": columns, "--rows": Math.ceil(cameras.length / columns) } : {}) as CSSProperties;
  return (
    <ul ref={ref} className={isWall ? "tiles tiles-wall" : "tiles"} data-count={Math.min(cameras.length, 3)} style={style}>
      {cameras.map((camera) => <Tile key={camera.id} camera={camera} now={now} isWall={isWall} />)}
    </ul>
  );
}
