import { IconCamera, IconLayoutGrid, IconLogout, IconServer2 } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, Outlet } from "@tanstack/react-router";
import { useEffect, useLayoutEffect } from "react";

import { systemProblemQuery } from "../api/queries";
import { text } from "../i18n";
import { Alert } from "../shared/ui/Alert";
import { Preferences } from "../shared/ui/Preferences";
import { useSession } from "../shared/useSession";
import { useWall } from "../shared/useWall";

/** What is round every page: the navigation, and what keeps the system from working. */
export function Shell() {
  const { isWall, isKiosk } = useWall();
  useLayoutEffect(() => {
    document.documentElement.classList.toggle("wall", isWall);
    document.documentElement.classList.toggle("kiosk", isKiosk);
  }, [isWall, isKiosk]);
  return (
    <div className={isWall ? "shell shell-wall" : "shell"}>
      {!isWall && <Navigation />}
      <main className="shell-main" id="content" tabIndex={-1}>
        <SystemProblem />
        <Outlet />
      </main>
    </div>
  );
}

function Navigation() {
  return (
    <nav className="shell-nav" aria-label={text.nav.label}>
      <a className="shell-skip" href="#content">{text.nav.skip}</a>
      <Link to="/" className="shell-brand">
        <img src="/favicon.svg" alt="" width="28" height="28" /> Lotcast
      </Link>
      <Link to="/" className="shell-link" activeOptions={{ exact: true, includeSearch: false }}>
        <IconLayoutGrid aria-hidden /> {text.nav.overview}
      </Link>
      <Link to="/cameras" className="shell-link" activeOptions={{ includeSearch: false }}>
        <IconCamera aria-hidden /> {text.nav.cameras}
      </Link>
      <Link to="/system" className="shell-link" activeOptions={{ includeSearch: false }}>
        <IconServer2 aria-hidden /> {text.nav.system}
      </Link>
      <div className="shell-foot">
        <Preferences />
      </div>
      <LogOut />
    </nav>
  );
}

/** Ends the viewer's session; absent where nobody has to log in. A form, so that it works as the log-in does. */
function LogOut() {
  return useSession().isLoggedIn ? (
    <form method="post" action="/logout" className="shell-logout">
      <button type="submit" className="shell-link"><IconLogout aria-hidden /> {text.nav.logOut}</button>
    </form>
  ) : null;
}

function SystemProblem() {
  const { data, error, refetch } = useQuery(systemProblemQuery);
  useEffect(() => {
    const ask = () => void refetch(); // without network a server in the house may be there all the same
    window.addEventListener("offline", ask);
    window.addEventListener("online", ask);
    return () => { window.removeEventListener("offline", ask); window.removeEventListener("online", ask); };
  }, [refetch]);
  const problem = error?.message ?? data ?? null;
  return problem === null ? null : <Alert>{problem}</Alert>;
}
