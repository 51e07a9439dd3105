import type { ReactNode } from "react";

/** A page's title with what can be done beside it. */
export function PageHead({ title, children }: { title: ReactNode; children?: ReactNode }) {
  return (
    <header className="page-head">
      {typeof title === "string" ? <h1>{title}</h1> : title}
      <div className="page-actions">{children}</div>
    </header>
  );
}
