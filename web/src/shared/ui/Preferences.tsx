import { Button, NativeSelect, useMantineColorScheme } from "@mantine/core";

import { chooseLanguage, currentLanguage, isLanguage, LANGUAGES, text } from "../../i18n";
import { useSession } from "../useSession";

/** The page's appearance and language, and the end of the viewer's session. */
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
      <LogOut />
    </>
  );
}

/** Ends the viewer's session; absent where nobody has to log in. A form, so that it works as the log-in does. */
function LogOut() {
  return useSession().isLoggedIn ? (
    <form method="post" action="/logout">
      <Button type="submit" variant="default" size="xs" fullWidth>{text.nav.logOut}</Button>
    </form>
  ) : null;
}
