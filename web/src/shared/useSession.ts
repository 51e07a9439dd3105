import { useQuery } from "@tanstack/react-query";

import { sessionQuery } from "../api/queries";

/** What the viewer may do. Nothing is offered before it is known. */
export function useSession(): { isKnown: boolean; mayChange: boolean; isLoggedIn: boolean } {
  const { data } = useQuery(sessionQuery);
  return { isKnown: data !== undefined, mayChange: data?.role === "admin", isLoggedIn: data?.login_required === true && data.role !== null };
}
