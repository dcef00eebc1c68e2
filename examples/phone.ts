/*
 * A telephone line: keys interrupt, speech is answered, and what was dialled is known as long as the call lasts.
 * Inbound: point your Twilio number at /telephone/incoming. Outbound: set TWILIO_ACCOUNT_SID, DIAL_TO and DIAL_FROM too.
 * Run it: TWILIO_AUTH_TOKEN=… PUBLIC_URL=https://… npx repartee dev examples/phone.ts
 */
import { type Handler, replyOnPause, speak, Stream } from "repartee";
import { flite } from "repartee/flite";
import { dial } from "repartee/telephone";

const { TWILIO_AUTH_TOKEN: authToken = "simulator", TWILIO_ACCOUNT_SID: accountSid = "", PUBLIC_URL } = process.env;
const { DIAL_TO: to, DIAL_FROM: from = "", TWILIO_API: baseUrl = "https://api.twilio.com" } = process.env;

const tts = flite();
await tts.prepare("Hello. Press some keys, or say something.");

const handler: Handler = (session) => {
  const keys: string[] = [];
  const told = (): string =>
    keys.length === 0 ? "You have not pressed a key." : `You have pressed ${keys.join(" ")}.`;
  session.on("message", (message) => {
    if (message.type !== "digit") return;
    keys.push(message.digit);
    session.interrupt();
    void say(told());
  });
  const say = async (text: string): Promise<void> => {
    for await (const frame of speak(tts, text, { session })) session.send(frame);
  };
  const reply = replyOnPause(
    async function* (turn) {
      yield* speak(tts, `${told()} That was sentence ${turn.index + 1}.`, { session, signal: turn.signal });
    },
    { startup: () => speak(tts, "Hello. Press some keys, or say something.", { session }) },
  );
  return reply(session);
};

export const stream = new Stream(handler, {
  telephone: { authToken, ...(PUBLIC_URL !== undefined && { publicUrl: PUBLIC_URL }) },
});
const { url } = await stream.launch();
if (to !== undefined) await dial({ to, from, publicUrl: PUBLIC_URL ?? url, accountSid, authToken, baseUrl });
