import { Link } from "@tanstack/react-router";

import type { CameraOwners, CameraView } from "../../api/client";
import { text } from "../../i18n";
import { healthOf } from "../../shared/cameraHealth";
import { ago, oneDigit } from "../../shared/format";
import { HealthMark } from "../../shared/ui/HealthMark";
import { useNow } from "../../shared/useNow";
import { shortId } from "./Processes";
import { Table } from "./Table";

interface Props {
  cameras: CameraView[];
  /** Who holds each camera; not told to everybody. */
  owners: CameraOwners[] | undefined;
}

/** How each camera does, and who works on it. */
export function CameraTable({ cameras, owners }: Props) {
  const now = useNow();
  const ownersOf = new Map(owners?.map((one) => [one.id, one]));
  const { camera, state, from, examined, lastFrame, reconnects, viewersShort, readBy, examinedBy, perSecond, camerasTitle } = text.system;
  return (
    <Table
      title={camerasTitle}
      head={
        <>
          <th scope="col">{camera}</th>
          <th scope="col">{state}</th>
          <th scope="col" className="number">{from} <small>{perSecond}</small></th>
          <th scope="col" className="number">{examined} <small>{perSecond}</small></th>
          <th scope="col" className="number">{lastFrame}</th>
          <th scope="col" className="number">{reconnects}</th>
          <th scope="col" className="number">{viewersShort}</th>
          {owners !== undefined && <><th scope="col">{readBy}</th><th scope="col">{examinedBy}</th></>}
        </>
      }
    >
      {cameras.map((one) => {
        const { input_fps: input, output_fps: output, last_frame_at: last, reconnects: times } = one.status;
        const health = healthOf(one, now);
        return (
          <tr key={one.id}>
            <th scope="row"><Link to="/cameras/$cameraId" params={{ cameraId: one.id }}>{one.name}</Link></th>
            <td className="system-words"><HealthMark tone={health.tone} words={health.words} /></td>
            <td className="number">{input === null ? "–" : oneDigit(input)}</td>
            <td className="number">{output === null ? "–" : oneDigit(output)}</td>
            <td className="number">{last === null ? text.time.never : ago(last * 1000, now)}</td>
            <td className="number">{times}</td>
            <td className="number">{one.viewers}</td>
            {owners !== undefined && <Owners of={ownersOf.get(one.id)} isNeeded={one.registered && one.enabled} />}
          </tr>
        );
      })}
    </Table>
  );
}

/** The processes that hold a camera; nobody is worth a word only where somebody should. */
function Owners({ of, isNeeded }: { of: CameraOwners | undefined; isNeeded: boolean }) {
  return [of?.ingest, of?.detector].map((owner, role) => (
    <td key={role}>{owner != null ? <small className="system-id">{shortId(owner)}</small> : isNeeded ? text.system.nobody : "–"}</td>
  ));
}
