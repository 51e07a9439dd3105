import { useId, type ReactNode } from "react";

interface Props {
  title: string;
  hint?: string;
  /** The cells of the head: `th` elements. */
  head: ReactNode;
  /** The rows: `tr` elements. */
  children: ReactNode;
}

/** A card with a table that scrolls sideways where it has to. */
export function Table({ title, hint, head, children }: Props) {
  const id = useId();
  return (
    <section className="card">
      <h2 id={id}>{title}</h2>
      {hint !== undefined && <p className="hint">{hint}</p>}
      <div className="system-table" tabIndex={0} role="region" aria-labelledby={id}>
        <table>
          <thead><tr>{head}</tr></thead>
          <tbody>{children}</tbody>
        </table>
      </div>
    </section>
  );
}
