import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, Navigate } from "@tanstack/react-router";
import { useEffect, type ReactNode } from "react";

import type { CameraView } from "../../api/client";
import { camerasQuery } from "../../api/queries";
import { text } from "../../i18n";
import { isFull } from "../../shared/counts";
import { Alert } from "../../shared/ui/Alert";
import { Empty } from "../../shared/ui/Empty";
import { WallButtons } from "../../shared/ui/WallButtons";
import { useSession } from "../../shared/useSession";
import { useWall } from "../../shared/useWall";
import "./overview.css";
import { Tiles } from "./Tiles";
import { totalsOf } from "./totals";
import { WallTiles } from "./WallTiles";

/** All cameras at a glance: how many spaces are free, and which camera needs a look. */
export function OverviewPage() {
  const { isWall, search } = useWall();
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
        <Navigate to="/cameras/$cameraId" params={{ cameraId: only }} search={search} replace />
      ) : isWall ? (
        <WallTiles cameras={cameras} head={(turns) => <Head cameras={cameras}>{turns}</Head>} />
      ) : (
        <>
          <Head cameras={cameras} />
          <Tiles cameras={cameras} />
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

/** The total over all cameras, large, and what can be done. */
function Head({ cameras, children }: { cameras: CameraView[]; children?: ReactNode }) {
  const totals = totalsOf(cameras);
  return (
    <header className="overview-head">
      <h1 className="visually-hidden">{text.overview.title}</h1>
      {totals.total > 0 && (
        <p className="overview-total">
          {isFull(totals) && <strong className="overview-full">{text.count.full}</strong>}
          <strong data-testid="total-free">{totals.available}</strong>
          <span>{text.overview.freeOf(totals.total)}</span>
        </p>
      )}
      {totals.notCounted > 0 && <p className="overview-missing">{text.overview.notCounted(totals.notCounted)}</p>}
      <div className="page-actions">
        {children}
        <WallButtons />
      </div>
    </header>
  );
}
