import type { ReactNode } from "react";

interface Props {
  title: string;
  hint?: string;
  children?: ReactNode;
}

/** In place of content that is not there: why, and what to do. */
export function Empty({ title, hint, children }: Props) {
  return (
    <section className="empty">
      <h1>{title}</h1>
      {hint !== undefined && <p>{hint}</p>}
      {children}
    </section>
  );
}
