import { text } from "../i18n";

/** The page's language as the viewer's region writes it: 22:49 in London is 10:49 PM in Boston. */
function region(): string {
  return navigator.languages.find((tag) => tag.split("-")[0] === text.locale) ?? text.locale;
}

/** Makes a form once for each language: browsers take long to make one. */
function once<T>(make: (locale: string) => T): () => T {
  const made = new Map<string, T>();
  return () => {
    const known = made.get(text.locale) ?? make(region());
    made.set(text.locale, known);
    return known;
  };
}

const clockForm = once((locale) => new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", second: "2-digit" }));
const dateForm = once((locale) => new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" }));
const dayForm = once((locale) => new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" }));
const minuteForm = once((locale) => new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit" }));
const agoForm = once((locale) => new Intl.RelativeTimeFormat(locale, { numeric: "auto" }));
const digitForm = once((locale) => new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 }));

const wholeForm = once((locale) => new Intl.NumberFormat(locale, { maximumFractionDigits: 0 }));

/** A clock time in the form of the page's language: 14:03:27. */
export function clockTime(ms: number): string {
  return clockForm().format(ms);
}

/** A date with its time: 28 Nov 2026, 14:03. */
export function dateTime(ms: number): string {
  return dateForm().format(ms);
}

/** A time with its day, unless that is today: 14:03, or 27 Nov, 14:03. */
export function shortTime(ms: number, now: number): string {
  const isToday = new Date(ms).toDateString() === new Date(now).toDateString();
  return (isToday ? minuteForm() : dayForm()).format(ms);
}

/** How long ago, in words: 5 seconds ago, 3 minutes ago, 2 days ago. */
export function ago(ms: number, now: number): string {
  const seconds = Math.max(0, Math.round((now - ms) / 1000));
  const form = agoForm();
  if (seconds < 60) return form.format(-seconds, "second");
  if (seconds < 3600) return form.format(-Math.floor(seconds / 60), "minute");
  if (seconds < 86_400) return form.format(-Math.floor(seconds / 3600), "hour");
  return form.format(-Math.floor(seconds / 86_400), "day");
}

/** A number with one digit after the point or comma. */
export function oneDigit(value: number): string {
  return digitForm().format(value);
}

/** A size in memory: 11 MB, 1.4 GB. */
export function bytes(size: number): string {
  const mega = size / 1_000_000;
  return mega < 1000 ? `${mega.toFixed(0)} MB` : `${oneDigit(mega / 1000)} GB`;
}

/** A count with its thousands apart: 12,345. */
export function wholeNumber(value: number): string {
  return wholeForm().format(value);
}

/** Share in whole percent; 0 of 0 is 0. */
export function percent(part: number, whole: number): number {
  return whole > 0 ? Math.round((part / whole) * 100) : 0;
}

/** A time span in the largest unit that keeps it readable: an old worker's clock may be hours away. */
export function duration(ms: number): { value: string; unit: string } {
  const positive = Math.max(0, ms); // clocks of two machines are never quite the same
  if (positive < 9999.5) {
    return { value: positive.toFixed(0), unit: "ms" };
  }
  const seconds = positive / 1000;
  for (const [unit, inSeconds] of [["s", 1], ["min", 60], ["h", 3600]] as const) {
    if (seconds < 100 * inSeconds) {
      return { value: (seconds / inSeconds).toFixed(0), unit };
    }
  }
  return { value: (seconds / 86_400).toFixed(0), unit: "days" };
}

/** A time span in whole units: 26 s, 3 min, 2 h, 4 days. */
export function timeSpan(ms: number): string {
  const { s, min, h, days } = text.time.span;
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 120) return `${seconds} ${s}`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} ${min}`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} ${h}`;
  return `${Math.floor(seconds / 86_400)} ${days}`;
}
