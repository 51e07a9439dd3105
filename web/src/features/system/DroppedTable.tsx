import { text } from "../../i18n";
import { wholeNumber } from "../../shared/format";
import { HealthMark } from "../../shared/ui/HealthMark";
import type { Dropped } from "./drops";
import { Table } from "./Table";

/** Where pictures were left out, and why. */
export function DroppedTable({ dropped }: { dropped: Dropped[] }) {
  const { droppedTitle, droppedHint, droppedNone, droppedWhere, droppedWhy, droppedFrames, droppedNormal, droppedOdd, camera, host } = text.system;
  if (dropped.length === 0) {
    return (
      <section className="card">
        <h2>{droppedTitle}</h2>
        <p className="hint">{droppedNone}</p>
      </section>
    );
  }
  return (
    <Table
      title={droppedTitle}
      hint={droppedHint}
      head={
        <>
          <th scope="col">{camera} / {host}</th>
          <th scope="col">{droppedWhere}</th>
          <th scope="col">{droppedWhy}</th>
          <th scope="col" className="number">{droppedFrames}</th>
          <td />
        </>
      }
    >
      {dropped.map(({ whose, where, why, pictures, isUsual }) => (
        <tr key={`${whose} ${where} ${why}`}>
          <th scope="row">{whose}</th>
          <td>{where}</td>
          <td className="system-words">{why}</td>
          <td className="number">{wholeNumber(pictures)}</td>
          <td><HealthMark tone={isUsual ? "off" : "waiting"} words={isUsual ? droppedNormal : droppedOdd} /></td>
        </tr>
      ))}
    </Table>
  );
}
