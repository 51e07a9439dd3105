import { useEffect, useState } from "react";

import { fetchSession } from "../api/client";

/** Ends the viewer's session; absent where nobody has to log in. A form, so that it works as the log-in does. */
export function LogOut() {
  const [isLoggedIn, setLoggedIn] = useState(false);
  useEffect(() => {
    const abort = new AbortController();
    fetchSession(abort.signal).then(
      (session) => { setLoggedIn(session.login_required && session.role !== null); },
      () => undefined, // the list of cameras tells what is wrong
    );
    return () => { abort.abort(); };
  }, []);
  return isLoggedIn ? (
    <form className="log-out" method="post" action="/logout">
      <button type="submit">Log out</button>
    </form>
  ) : null;
}
