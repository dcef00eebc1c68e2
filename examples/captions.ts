/*
 * Live captions: the page only sends, and gets the words while they are spoken. Nobody answers.
 * Run it: npx repartee dev examples/captions.ts
 */
import { captions, Stream } from "repartee";
import { pocketsphinx } from "repartee/pocketsphinx";

const stt = pocketsphinx();
const phrases = ["good morning everybody", "the next train leaves in five minutes", "thank you for listening"];
await stt.prepare(phrases);

export const stream = new Stream(
  async function* (session) {
    for await (const caption of captions(session, { stt, phrases })) {
      yield { kind: "message", name: "caption", data: caption };
    }
  },
  { mode: "send" },
);
await stream.launch();
