/** A tile's picture is this wide for its height; below it stand two lines of text. */
const PICTURE_RATIO = 16 / 9;

/**
 * The number of columns with which `count` tiles are largest on a screen of this size.
 *
 * @param textHeight of a tile's text, in the same unit as the screen's sides.
 */
export function columnsFor(count: number, width: number, height: number, textHeight: number): number {
  let best = 1;
  let bestWidth = 0;
  for (let columns = 1; columns <= Math.max(1, count); columns += 1) {
    const rows = Math.ceil(count / columns);
    const byHeight = (height / rows - textHeight) * PICTURE_RATIO;
    const tileWidth = Math.min(width / columns, byHeight);
    if (tileWidth > bestWidth) {
      [best, bestWidth] = [columns, tileWidth];
    }
  }
  return best;
}
