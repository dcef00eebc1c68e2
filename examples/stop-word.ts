/*
 * Sleeps until it hears "hello computer", then obeys one command, in the same breath or in the next one.
 * Run it: npx repartee dev examples/stop-word.ts
 */
import { replyOnStopWords, speak, Stream, transcribe } from "repartee";
import { flite } from "repartee/flite";
import { pocketsphinx } from "repartee/pocketsphinx";

const stt = pocketsphinx();
const tts = flite();
const phrases = ["[please] turn (on|off) the light", "[please] open the door"];

export const stream = new Stream(
  replyOnStopWords(
    async function* (turn, session) {
      const command = await transcribe(stt, turn, { session, phrases });
      const done = command === "" ? "I did not understand that." : `Very well. ${command}.`;
      yield { kind: "message", name: "command", data: command };
      yield* speak(tts, done, { session, signal: turn.signal });
    },
    { stopWords: ["hello computer"], phrases, recognizer: stt },
  ),
);
await stream.launch();
