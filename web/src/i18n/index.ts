import { en, type Text } from "./en";

/** The languages there are. One more is one more entry here, and a file beside `en.ts`. */
export const LANGUAGES = {
  en: { name: "English", load: () => Promise.resolve(en) },
  de: { name: "Deutsch", load: async () => (await import("./de")).de },
} satisfies Record<string, { name: string; load: () => Promise<Text> }>;

export type Language = keyof typeof LANGUAGES;

const REMEMBERED = "lotcast.language";

/** Everything that the page says, in the viewer's language. Set once, before the page is drawn. */
export let text: Text = en;

export function isLanguage(code: string | null): code is Language {
  return code !== null && code in LANGUAGES;
}

/** The first of the viewer's languages that there is; English if there is none. */
export function pickLanguage(remembered: string | null, wanted: readonly string[]): Language {
  if (isLanguage(remembered)) {
    return remembered;
  }
  return wanted.map((tag) => tag.split("-")[0] ?? "").find(isLanguage) ?? "en";
}

export function currentLanguage(): Language {
  return isLanguage(text.locale) ? text.locale : "en";
}

/** Loads the viewer's language and says in the document which it is. */
export async function loadLanguage(): Promise<void> {
  const language = pickLanguage(readRemembered(), navigator.languages);
  try {
    text = await LANGUAGES[language].load();
  } catch {
    text = en; // the language's file did not come: better in English than not at all
  }
  document.documentElement.lang = text.locale;
}

/** Remembers the language and loads the page again in it. */
export function chooseLanguage(language: Language): void {
  try {
    localStorage.setItem(REMEMBERED, language);
  } catch {
    // a browser that keeps nothing: the choice holds for as long as the browser says so by itself
  }
  window.location.reload();
}

function readRemembered(): string | null {
  try {
    return localStorage.getItem(REMEMBERED);
  } catch {
    return null;
  }
}
