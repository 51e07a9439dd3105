import { SMALL_WIDTH, type PictureKind } from "../../live/messages";

/** A small picture may be drawn larger than it is by this much before it looks coarse. */
const ENLARGED_MAX = 2;
/** Pictures a second of one tile, and of all tiles on the screen together. */
const TILE_FPS = 5;
const PAGE_FPS = 80;

/** The kind of picture for a tile so many CSS pixels wide: small ones, unless they would look coarse. */
export function pictureFor(width: number): PictureKind {
  return width * window.devicePixelRatio > SMALL_WIDTH * ENLARGED_MAX ? "plain" : "small";
}

/** Pictures a second for each of so many tiles: a wall of many cameras moves more slowly, never not at all. */
export function tileFps(tiles: number): number {
  return Math.min(TILE_FPS, Math.max(1, Math.floor(PAGE_FPS / tiles)));
}
