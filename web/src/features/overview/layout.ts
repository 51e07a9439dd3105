/** A tile's picture is this wide for its height. */
const PICTURE_RATIO = 16 / 9;

/** Sizes in pixels. */
export interface Room {
  width: number;
  height: number;
  gap: number;
  /** Of a tile's text below its picture; 0 where it lies on the picture. */
  textHeight: number;
  /** A tile that is narrower cannot be read. */
  leastWidth: number;
}

export interface Grid {
  columns: number;
  rows: number;
  /** Tiles that are shown at a time. */
  perPage: number;
  /** How many times the tiles have to be changed to show them all. */
  pages: number;
}

/** The number of columns with which `count` tiles are largest, all of them on the screen, and how wide each picture is. */
export function largestFit(count: number, { width, height, gap, textHeight }: Room): { columns: number; pictureWidth: number } {
  let best = { columns: 1, pictureWidth: 0 };
  for (let columns = 1; columns <= Math.max(1, count); columns += 1) {
    const rows = Math.ceil(count / columns);
    const byHeight = ((height - (rows - 1) * gap) / rows - textHeight) * PICTURE_RATIO;
    const pictureWidth = Math.min((width - (columns - 1) * gap) / columns, byHeight);
    if (pictureWidth > best.pictureWidth) {
      best = { columns, pictureWidth };
    }
  }
  return best;
}

/** On a wall nothing scrolls: as many tiles as can be read are shown at a time, the others take turns, in pages of one size. */
export function wallGrid(count: number, room: Room): Grid {
  let most = count;
  while (most > 1 && largestFit(most, room).pictureWidth < room.leastWidth) {
    most -= 1;
  }
  const pages = Math.max(1, Math.ceil(count / Math.max(1, most)));
  const perPage = Math.ceil(count / pages);
  const { columns } = largestFit(perPage, room);
  return { columns, rows: Math.ceil(perPage / columns), perPage, pages };
}

/** On a desk all tiles are on the screen if they can be read there; otherwise the page scrolls. Null: it does. */
export function deskGrid(count: number, room: Room): { columns: number; rows: number | null } {
  const { columns, pictureWidth } = largestFit(count, room);
  if (pictureWidth >= room.leastWidth) {
    return { columns, rows: Math.ceil(count / columns) };
  }
  const fitting = Math.floor((room.width + room.gap) / (room.leastWidth + room.gap));
  return { columns: Math.max(1, Math.min(count, fitting)), rows: null };
}

/** On a phone: one column of few tiles, two columns of many. */
export function phoneGrid(count: number): { columns: number; rows: null } {
  return { columns: count > 4 ? 2 : 1, rows: null };
}
