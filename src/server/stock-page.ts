/** Where a FastRTC page expects its ICE configuration. */
const PLACEHOLDER = "__RTC_CONFIGURATION__";

/**
 * A page with its ICE configuration filled in, as FastRTC's pages expect it: JSON, or `null` for none. `<` is escaped, so
 * that no value can end the script it stands in.
 */
export function withRtcConfiguration(html: string, config: unknown): string {
  const json = JSON.stringify(config ?? null).replaceAll("<", "\\u003c");
  // As a function, because `$` in a replacement text has a meaning of its own.
  return html.replaceAll(PLACEHOLDER, () => json);
}
