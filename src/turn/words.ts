/** The words of a text for comparison: lower case, punctuation and hyphens gone, apostrophes inside words kept. */
export function wordsOf(text: string): string[] {
  const plain = text
    .toLowerCase()
    .replaceAll("\u2019", "'")
    .replace(/[^\p{L}\p{M}\p{N}']+/gu, " ");
  return plain
    .split(" ")
    .map((word) => word.replace(/^'+|'+$/g, ""))
    .filter((word) => word !== "");
}
