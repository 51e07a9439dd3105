import type { Point } from "../shared/geometry";
import type { Scene } from "./scene";

/** A trail shows where a vehicle was during this long, in milliseconds. */
export const TRAIL_MS = 6000;
const POINTS_MAX = 64;
/** A vehicle that moved less stands: detections tremble. A share of the frame's width. */
const LEAST_WAY = 0.015;

interface Trail {
  points: Point[];
  times: number[];
}

/** Where the vehicles of a camera have been, by their track ids; in pixels of its frames. */
export class Trails {
  private readonly trails = new Map<number, Trail>();

  /** Adds a frame; the newer one of two. */
  add({ vehicles, timings: { captured } }: Pick<Scene, "vehicles" | "timings">): void {
    for (const { trackId, x, y, width, height } of vehicles) {
      if (trackId !== null) {
        const trail = this.trails.get(trackId) ?? { points: [], times: [] };
        trail.points.push([x + width / 2, y + height * 0.85]); // where the wheels are, about
        trail.times.push(captured);
        this.trails.set(trackId, trail);
      }
    }
    for (const [trackId, { points, times }] of this.trails) {
      const fresh = times.findIndex((at) => captured - at <= TRAIL_MS);
      const cut = fresh < 0 ? times.length : Math.max(fresh, times.length - POINTS_MAX);
      points.splice(0, cut);
      times.splice(0, cut);
      if (times.length === 0) {
        this.trails.delete(trackId);
      }
    }
  }

  /** The ways of those that have moved. `width` is the frame's. */
  ways(width: number): Map<number, Point[]> {
    const ways = new Map<number, Point[]>();
    for (const [trackId, { points }] of this.trails) {
      const xs = points.map(([x]) => x);
      const ys = points.map(([, y]) => y);
      const way = Math.hypot(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys));
      if (way >= LEAST_WAY * width) {
        ways.set(trackId, [...points]);
      }
    }
    return ways;
  }
}
