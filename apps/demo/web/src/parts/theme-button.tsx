import { useState } from "react";
import { currentTheme, setTheme, type Theme } from "../theme.ts";
import { Icon, type IconName } from "./icon.tsx";

const next: Readonly<Record<Theme, Theme>> = { system: "light", light: "dark", dark: "system" };
const icons: Readonly<Record<Theme, IconName>> = { system: "system", light: "sun", dark: "moon" };
const names: Readonly<Record<Theme, string>> = { system: "as the system", light: "light", dark: "dark" };

export function ThemeButton() {
  const [theme, show] = useState(currentTheme);
  const change = (): void => {
    setTheme(next[theme]);
    show(next[theme]);
  };
  return (
    <button
      type="button"
      className="button icon-only"
      onClick={change}
      aria-label={`Colours: ${names[theme]}`}
      title={`Colours: ${names[theme]}`}
    >
      <Icon name={icons[theme]} />
    </button>
  );
}
