import type { CameraView, SystemView } from "../../api/client";
import { text } from "../../i18n";

/** Pictures left out for one cause, as the page tells of them. */
export interface Dropped {
  /** The camera's name, or the host of a gateway. */
  whose: string;
  where: string;
  why: string;
  pictures: number;
  /** Nothing is wrong: only the newest picture counts. */
  isUsual: boolean;
}

const USUAL: ReadonlySet<string> = new Set(["surplus", "newer", "replaced", "older", "unwatched"]);
const words = (all: Readonly<Record<string, string>>, name: string) => all[name] ?? name;

/** What was left out, the odd first, then the most. Ingest and detector tell by camera, gateways for all of their viewers. */
export function droppedOf({ cameras, processes }: SystemView, views: readonly CameraView[]): Dropped[] {
  const names = new Map(views.map(({ id, name }) => [id, name]));
  const ofCameras = cameras.map(({ id, dropped }) => ({ whose: names.get(id) ?? id, dropped }));
  const ofGateways = processes.filter(({ role }) => role === "gateway").map(({ id, host, dropped }) => ({ whose: host ?? id, dropped }));
  return [...ofCameras, ...ofGateways]
    .flatMap(({ whose, dropped }) =>
      dropped.map(({ where, cause, frames }) => ({
        whose,
        where: words(text.system.where, where),
        why: words(text.system.cause, cause),
        pictures: frames,
        isUsual: USUAL.has(cause),
      })),
    )
    .sort((one, other) => Number(one.isUsual) - Number(other.isUsual) || other.pictures - one.pictures);
}
