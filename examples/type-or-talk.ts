/*
 * One conversation, by voice and by keyboard: what was typed is known when you speak, and the other way round.
 * Run it: npx repartee dev examples/type-or-talk.ts
 */
import { type Handler, replyOnPause, speak, Stream, transcribe } from "repartee";
import { flite } from "repartee/flite";
import { pocketsphinx } from "repartee/pocketsphinx";

const stt = pocketsphinx();
const tts = flite();
const phrases = ["my favorite color is (red|green|blue|yellow)", "what is my favorite color"];
await stt.prepare(phrases);

const handler: Handler = (session) => {
  let color: string | undefined;
  const answer = (text: string): string => {
    const told = /favorite color is (\w+)/i.exec(text)?.[1];
    color = told ?? color;
    if (told !== undefined) return `${told} is a good choice.`;
    if (!/what/i.test(text)) return "Tell me your favorite color, or ask me for it.";
    return color === undefined ? "You have not told me yet." : `Your favorite color is ${color}.`;
  };
  const reply = replyOnPause(async function* (turn) {
    const said = await transcribe(stt, turn, { session, phrases });
    const text = answer(said);
    yield { kind: "message", name: "chat", data: { role: "user", content: said } };
    yield { kind: "message", name: "chat", data: { role: "assistant", content: text } };
    yield* speak(tts, text, { session, signal: turn.signal });
  });
  return reply(session);
};

export const stream = new Stream(handler);
await stream.launch();
