import type { EventView } from "../../api/client";
import { text } from "../../i18n";

/** A change as news: what a person on the lot would have seen. Null for what only says that somebody began to look. */
export function newsOf({ space_name: name, state, previous }: EventView): string | null {
  if (state === "occupied") {
    return previous === "free" ? text.camera.arrived(name) : null; // taken when somebody began to look
  }
  if (previous !== "occupied") {
    return null; // between unknown and free nothing has moved
  }
  return state === "free" ? text.camera.left(name) : text.camera.lost(name);
}
