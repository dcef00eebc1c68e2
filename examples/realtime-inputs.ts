/*
 * The caller chooses voice and tone on the page before anything is said, and may change them during the call.
 * Run it: npx repartee dev examples/realtime-inputs.ts
 */
import { replyOnPause, speak, Stream } from "repartee";
import { flite } from "repartee/flite";
import { z } from "zod";

const Choice = z.object({
  voice: z.enum(["slt", "rms", "awb"]).default("slt"),
  tone: z.enum(["formal", "casual"]).default("formal"),
});
const greetings = { formal: "Good morning. How may I help you?", casual: "Hey there! What can I do for you?" };
const answers = { formal: "I have made a note of it. Thank you.", casual: "Cool, got it!" };

const tts = flite();
export const stream = new Stream(
  replyOnPause<z.infer<typeof Choice>>(
    async function* (turn, session) {
      const { voice, tone } = session.inputs;
      yield* speak(tts, answers[tone], { session, signal: turn.signal, voice });
    },
    {
      startup: async function* (session) {
        const { voice, tone } = await session.requestInputs({ timeoutMs: 30_000 });
        yield* speak(tts, greetings[tone], { session, voice });
      },
    },
  ),
  { inputs: Choice },
);
await stream.launch();
