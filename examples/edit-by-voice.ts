/*
 * A shopping list edited by voice: the page holds the list, sends it with each turn, and gets the new one back.
 * Run it: npx repartee dev examples/edit-by-voice.ts
 */
import { replyOnPause, speak, Stream, transcribe } from "repartee";
import { flite } from "repartee/flite";
import { pocketsphinx } from "repartee/pocketsphinx";
import { z } from "zod";

const Page = z.object({ list: z.array(z.string().max(100)).max(100).default([]) });
const phrases = ["[please] (add|remove) (milk|bread|eggs|apples)", "[please] clear the list"];

const stt = pocketsphinx();
const tts = flite();
await stt.prepare(phrases);
export const stream = new Stream(
  replyOnPause<z.infer<typeof Page>>(async function* (turn, session) {
    // People edit by hand too: what counts is what the page shows now.
    const [{ list }, command] = await Promise.all([
      session.requestInputs(),
      transcribe(stt, turn, { session, phrases }),
    ]);
    const edited = edit(list, command);
    yield { kind: "message", name: "list", data: edited ?? list };
    const answer = edited === undefined ? "Say add or remove, and what." : `Done. ${edited.length} on the list.`;
    yield* speak(tts, answer, { session, signal: turn.signal });
  }),
  { inputs: Page },
);
await stream.launch();

/** The new list; undefined when the command is none. */
function edit(list: readonly string[], command: string): readonly string[] | undefined {
  const [, verb, thing = ""] = /(add|remove|clear) (?:the )?(\w+)/i.exec(command) ?? [];
  if (verb === undefined) return undefined;
  const others = list.filter((one) => one !== thing);
  if (verb === "clear") return [];
  return verb === "add" ? [...others, thing] : others;
}
