import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { useEffect } from "react";

import { camerasQuery, fetchSpaces } from "../../api/queries";
import { text } from "../../i18n";
import { Alert } from "../../shared/ui/Alert";
import { Empty } from "../../shared/ui/Empty";
import { useSession } from "../../shared/useSession";
import { SpacesEditor } from "./SpacesEditor";

/** The editor of a camera's spaces. */
export function SpacesPage() {
  const { cameraId } = useParams({ from: "/cameras/$cameraId/spaces" });
  const { mayChange, isKnown } = useSession();
  const { data: cameras } = useQuery(camerasQuery);
  // Asked once: what others change meanwhile is met when these changes are saved.
  const stored = useQuery({ queryKey: ["edited-spaces", cameraId], queryFn: ({ signal }) => fetchSpaces(cameraId, signal), staleTime: Infinity, gcTime: 0 });
  const name = cameras?.find((camera) => camera.id === cameraId)?.name ?? cameraId;
  useEffect(() => { document.title = `${text.editor.title(name)} · Lotcast`; }, [name]);

  if (isKnown && !mayChange) {
    return <Empty title={text.problem.forbidden}><Link to="/cameras/$cameraId" params={{ cameraId }}>{text.editor.back}</Link></Empty>;
  }
  if (stored.data !== undefined) {
    return <SpacesEditor key={cameraId} cameraId={cameraId} name={name} stored={stored.data} />;
  }
  return stored.error === null ? <p className="hint" role="status">{text.common.loading}</p> : <Alert>{stored.error.message}</Alert>;
}
