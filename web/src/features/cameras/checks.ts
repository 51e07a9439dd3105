import openapi from "../../api/openapi.json";
import { text } from "../../i18n";

/** What the API's schema says of a field, as far as a form checks it. */
interface Rules {
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  exclusiveMinimum?: number;
  maximum?: number;
}

const FIELDS = openapi.components.schemas.NewCamera.properties as Record<"id" | "name" | "url" | "fps", Rules>;

/** What is wrong with a field of a camera by the API's own schema; null if nothing is. */
export function checkField(field: keyof typeof FIELDS, value: string | number): string | null {
  const rules = FIELDS[field];
  if (typeof value === "number") {
    const isTooSmall = value < (rules.minimum ?? Number.NEGATIVE_INFINITY) || value <= (rules.exclusiveMinimum ?? Number.NEGATIVE_INFINITY);
    const isInRange = Number.isFinite(value) && !isTooSmall && value <= (rules.maximum ?? Number.POSITIVE_INFINITY);
    return isInRange ? null : text.cameras.check.range(rules.minimum ?? rules.exclusiveMinimum ?? 0, rules.maximum ?? 0);
  }
  const trimmed = value.trim();
  if (trimmed.length < (rules.minLength ?? 1)) {
    return text.cameras.check.required;
  }
  if (rules.maxLength !== undefined && trimmed.length > rules.maxLength) {
    return text.cameras.check.tooLong(rules.maxLength);
  }
  if (rules.pattern !== undefined && !new RegExp(rules.pattern, "u").test(trimmed)) {
    return field === "id" ? text.cameras.check.id : field === "url" ? text.cameras.check.url : text.cameras.check.pattern;
  }
  return null;
}
