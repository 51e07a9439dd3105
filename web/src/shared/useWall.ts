import { useSearch } from "@tanstack/react-router";

export interface Wall {
  /** For a screen on a wall: no navigation, everything large. */
  isWall: boolean;
  /** Nobody stands before it: no buttons either. */
  isKiosk: boolean;
  /** What a link to another page has to carry on. */
  search: { wall?: 1; kiosk?: 1 };
}

/** How the page's address wants to be shown: `?wall` or `?kiosk`. */
export function useWall(): Wall {
  const isKiosk = useSearch({ strict: false, select: ({ kiosk }) => kiosk !== undefined });
  const isWall = useSearch({ strict: false, select: ({ wall }) => wall !== undefined });
  return {
    isWall: isWall || isKiosk,
    isKiosk,
    search: isKiosk ? { kiosk: 1 } : isWall ? { wall: 1 } : {},
  };
}
