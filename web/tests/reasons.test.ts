import { beforeEach, expect, test, vi } from "vitest";

import { de } from "../src/i18n/de";
import { en } from "../src/i18n/en";

/** What the server says, in the page's language. */
async function inLanguage(language: "en" | "de") {
  vi.resetModules();
  vi.doMock("../src/i18n", () => ({ text: language === "en" ? en : de }));
  return await import("../src/shared/reasons");
}

beforeEach(() => { vi.doUnmock("../src/i18n"); });

const REFUSED = { error: "camera cannot be reached: connection refused: check address and port", error_cause: "refused" } as const;

test("an English page tells the server's own words, which say more", async () => {
  const { reasonOf, noticeOf, probeProblem } = await inLanguage("en");
  expect(reasonOf(REFUSED)).toBe(REFUSED.error);
  expect(reasonOf({ error: null, error_cause: null })).toBe("");
  expect(noticeOf({ notice: "the camera has moved: 12 pixels", view: "moved" })).toBe("the camera has moved: 12 pixels");
  expect(probeProblem({ problem: "camera answered 404", cause: "not_found" })).toBe("camera answered 404");
});

test("a German page tells every kind of problem in German", async () => {
  const { reasonOf, noticeOf, probeProblem } = await inLanguage("de");
  expect(reasonOf(REFUSED)).toBe(de.causes["refused"]);
  expect(probeProblem({ problem: "camera answered 404", cause: "not_found" })).toBe(de.causes["not_found"]);
  expect(noticeOf({ notice: "the camera has moved: 12 pixels", view: "moved" })).toBe(de.views["moved"]);
});

test("what has no code is told as the server says it, rather than not at all", async () => {
  const { reasonOf, noticeOf } = await inLanguage("de");
  expect(reasonOf({ error: "camera sends text/html; needed is a picture", error_cause: "other" })).toBe("camera sends text/html; needed is a picture");
  expect(noticeOf({ notice: "the demo's model knows the demo's lots only", view: "clear" })).toBe("the demo's model knows the demo's lots only");
  expect(noticeOf({ notice: null, view: "clear" })).toBeNull();
});

test("both languages know the same codes", () => {
  expect(Object.keys(de.causes)).toEqual(Object.keys(en.causes));
  expect(Object.keys(de.views)).toEqual(Object.keys(en.views));
});
