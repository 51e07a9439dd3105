import type { ReactNode } from "react";

interface Props {
  label: string;
  value: ReactNode;
  testId: string;
  unit?: string;
  size?: "small" | "large";
}

/** A number with its label; the element with `testId` holds the number alone. */
export function Figure({ label, value, testId, unit, size = "small" }: Props) {
  return (
    <div className={`figure figure-${size}`}>
      <dt>{label}</dt>
      <dd>
        <span data-testid={testId}>{value}</span>
        {unit !== undefined && <span className="unit">{unit}</span>}
      </dd>
    </div>
  );
}
