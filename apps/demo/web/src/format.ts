/** Numbers as people read them. */

export function clock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  return `${String(Math.floor(seconds / 60)).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}`;
}

export function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

const time = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hour12: false,
});
export const timeOfDay = (at: number): string => time.format(at);

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
export const millis = (ms: number): string => whole.format(ms);

export const initials = (name: string): string => {
  const words = name.split(/[\s_-]+/).filter((word) => word !== "");
  const letters = words.length > 1 ? words.slice(0, 2).map((word) => word[0]) : [...(words[0] ?? "?")].slice(0, 2);
  return letters.join("").toUpperCase();
};

/** `{"type":"dental"}` as `type: "dental"`; anything that is not a JSON object stays as it is. */
export function readableArgs(args: string): string {
  try {
    const value: unknown = JSON.parse(args);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return args;
    return Object.entries(value)
      .map(([key, one]) => `${key}: ${JSON.stringify(one)}`)
      .join(", ");
  } catch {
    return args;
  }
}
