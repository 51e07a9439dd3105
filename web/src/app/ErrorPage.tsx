import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";

import { text } from "../i18n";
import { Empty } from "../shared/ui/Empty";

/** In place of a page that has failed. */
export function ErrorPage() {
  return (
    <Empty title={text.problem.page} hint={text.problem.pageHint}>
      <Button onClick={() => { window.location.reload(); }}>{text.problem.reload}</Button>
    </Empty>
  );
}

export function NotFoundPage() {
  return (
    <Empty title={text.problem.noSuchPage}>
      <Link to="/">{text.nav.overview}</Link>
    </Empty>
  );
}
