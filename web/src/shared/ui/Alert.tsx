import type { ReactNode } from "react";

/** Something is wrong, in a sentence. */
export function Alert({ children }: { children: ReactNode }) {
  return <p className="alert" role="alert">{children}</p>;
}
