/** Light, dark, or as the system has it. The choice is kept on this device where the browser lets it be. */
export type Theme = "system" | "light" | "dark";

const KEY = "repartee.theme";

export function followTheme(): void {
  apply(currentTheme());
}

export function currentTheme(): Theme {
  try {
    const kept = localStorage.getItem(KEY);
    return kept === "light" || kept === "dark" ? kept : "system";
  } catch {
    return "system"; // storage is off: private windows, embedded pages
  }
}

export function setTheme(theme: Theme): void {
  apply(theme);
  try {
    if (theme === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme);
  } catch {
    // The choice holds until the page is left.
  }
}

function apply(theme: Theme): void {
  document.documentElement.style.colorScheme = theme === "system" ? "light dark" : theme;
}
