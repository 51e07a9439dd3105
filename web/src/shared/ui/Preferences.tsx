import { NativeSelect, useMantineColorScheme } from "@mantine/core";

import { chooseLanguage, currentLanguage, isLanguage, LANGUAGES, text } from "../../i18n";

/** The page's appearance and language. */
export function Preferences() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const { label, auto, light, dark } = text.appearance;
  return (
    <>
      <NativeSelect
        aria-label={label}
        size="xs"
        value={colorScheme}
        data={[{ value: "auto", label: auto }, { value: "light", label: light }, { value: "dark", label: dark }]}
        onChange={({ currentTarget: { value } }) => { if (value === "light" || value === "dark" || value === "auto") setColorScheme(value); }}
      />
      <NativeSelect
        aria-label={text.language}
        size="xs"
        value={currentLanguage()}
        data={Object.entries(LANGUAGES).map(([value, { name }]) => ({ value, label: name }))}
        onChange={({ currentTarget: { value } }) => { if (isLanguage(value)) chooseLanguage(value); }}
      />
    </>
  );
}
