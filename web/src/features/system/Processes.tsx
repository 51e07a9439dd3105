import type { ProcessView } from "../../api/client";
import { text } from "../../i18n";
import { ago, bytes, percent, timeSpan } from "../../shared/format";
import { Table } from "./Table";

const NOTHING = "–";

/** Every process that is alive: what it does, where, and what it costs. */
export function Processes({ processes }: { processes: ProcessView[] }) {
  const { processesTitle, process, host, carries, cpu, ram, runningFor, heartbeat, version } = text.system;
  return (
    <Table
      title={processesTitle}
      head={
        <>
          <th scope="col">{process}</th>
          <th scope="col">{host}</th>
          <th scope="col">{carries}</th>
          <th scope="col" className="number">{cpu}</th>
          <th scope="col" className="number">{ram}</th>
          <th scope="col" className="number">{runningFor}</th>
          <th scope="col" className="number">{heartbeat}</th>
          <th scope="col">{version}</th>
        </>
      }
    >
      {processes.map((one) => <Row key={one.id} process={one} />)}
    </Table>
  );
}

function Row({ process: { id, role, host, version, ...process } }: { process: ProcessView }) {
  return (
    <tr>
      <th scope="row">{text.system.roles[role]} <small className="system-id">{text.system.roleName[role]} {shortId(id)}</small></th>
      <td>{host ?? NOTHING}</td>
      <td>{workOf(process)}</td>
      <td className="number">{process.cpu_cores === null ? NOTHING : `${percent(process.cpu_cores, 1)} %`}</td>
      <td className="number">{process.memory_bytes === null ? NOTHING : bytes(process.memory_bytes)}</td>
      <td className="number">{process.up_s === null ? NOTHING : timeSpan(process.up_s * 1000)}</td>
      <td className="number">{ago(-process.heartbeat_age_s * 1000, 0)}</td>
      <td>{version ?? NOTHING}</td>
    </tr>
  );
}

/** The end of a process's name, by which it is found in the table of cameras. */
export function shortId(id: string): string {
  return id.slice(id.lastIndexOf("-") + 1);
}

function workOf({ cameras, viewers }: Pick<ProcessView, "cameras" | "viewers">): string {
  if (cameras !== null) return text.system.carriesCameras(cameras);
  return viewers === null ? NOTHING : text.system.carriesViewers(viewers);
}
