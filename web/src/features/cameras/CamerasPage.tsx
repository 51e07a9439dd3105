import { Button } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useRouterState } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useState } from "react";

import type { CameraView } from "../../api/client";
import { camerasQuery } from "../../api/queries";
import { text } from "../../i18n";
import { Alert } from "../../shared/ui/Alert";
import { Empty } from "../../shared/ui/Empty";
import { PageHead } from "../../shared/ui/PageHead";
import { useNow } from "../../shared/useNow";
import { useSession } from "../../shared/useSession";
import { CameraRow } from "./CameraRow";
import "./cameras.css";
import { DeleteCamera } from "./DeleteCamera";

const CameraForm = lazy(() => import("./CameraForm"));

/** All cameras with their state; adding, changing, switching off and deleting them. */
export function CamerasPage() {
  const { data: cameras, error } = useQuery(camerasQuery);
  const { mayChange } = useSession();
  const [edited, setEdited] = useState<CameraView | null>(null);
  const [deleted, setDeleted] = useState<CameraView | null>(null);
  const [done, setDone] = useState<string | null>(null);
  const now = useNow();
  const navigate = useNavigate({ from: "/cameras" });
  // The form for a new camera has an address of its own, so that the overview can lead there.
  const isAdding = useRouterState({ select: ({ location }) => location.hash === "add" }) && mayChange;
  const showAdding = (on: boolean) => void navigate({ ...(on ? { hash: "add" } : {}), replace: true });
  useEffect(() => { document.title = `${text.cameras.title} · Lotcast`; }, []);
  const add = mayChange && (
    <Button leftSection={<IconPlus size="1.1rem" aria-hidden />} onClick={() => { setDone(null); showAdding(true); }}>{text.cameras.add}</Button>
  );

  return (
    <>
      {cameras?.length !== 0 && <PageHead title={text.cameras.title}>{add}</PageHead>}
      {error !== null && <Alert>{cameras === undefined ? error.message : text.common.notUpToDate(error.message)}</Alert>}
      {done !== null && <p className="done" role="status">{done}</p>}
      {cameras === undefined && error === null && <p className="hint" role="status">{text.common.loading}</p>}
      {cameras?.length === 0 && (
        <Empty title={text.overview.emptyTitle} hint={mayChange ? text.overview.emptyText : text.overview.emptyViewer}>{add}</Empty>
      )}
      <ul className="camera-rows">
        {cameras?.map((camera) => (
          <CameraRow
            key={camera.id}
            camera={camera}
            now={now}
            mayChange={mayChange}
            onEdit={() => { setDone(null); setEdited(camera); }}
            onDelete={() => { setDone(null); setDeleted(camera); }}
          />
        ))}
      </ul>
      <Suspense>
        {(isAdding || edited !== null) && (
          <CameraForm
            camera={edited}
            taken={(cameras ?? []).map(({ id }) => id)}
            onClose={() => { setEdited(null); if (isAdding) showAdding(false); }}
            onSaved={(name) => { setDone(text.cameras.saved(name)); }}
          />
        )}
      </Suspense>
      {deleted !== null && (
        <DeleteCamera camera={deleted} onClose={() => { setDeleted(null); }} onDeleted={() => { setDone(text.cameras.deleted(deleted.name)); }} />
      )}
    </>
  );
}
