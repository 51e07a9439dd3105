import type { CSSProperties } from "react";

interface Props {
  label: string;
  value: string | number;
  testId: string;
  unit?: string | undefined;
  size?: "small" | "large";
}

/** Its length, by which a wall view sizes the number to fill its column. */
function digits(value: string | number): CSSProperties {
  return { "--digits": Math.max(2, String(value).length) } as CSSProperties;
}

/** A number with its label; the element with `testId` holds the number alone. */
export function Figure({ label, value, testId, unit, size = "small" }: Props) {
  return (
    <div className={`figure figure-${size}`}>
      <dt>{label}</dt>
      <dd style={size === "large" ? digits(value) : undefined}>
        <span data-testid={testId}>{value}</span>
        {unit !== undefined && <span className="unit">{unit}</span>}
      </dd>
    </div>
  );
}
