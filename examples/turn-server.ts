/*
 * Callers behind strict networks get a relay: credentials for your coturn server (`use-auth-secret`), new for each call.
 * Run it: TURN_URL=turn:turn.example.org TURN_SECRET=… npx repartee dev examples/turn-server.ts
 */
import { replyOnPause, Stream } from "repartee";
import { coturnTurn } from "repartee/webrtc";

const { TURN_URL: url = "turn:127.0.0.1:3478", TURN_SECRET: secret = "only on this machine", TURN_ONLY } = process.env;

export const stream = new Stream(
  replyOnPause(async function* (turn) {
    yield turn.audio;
  }),
  {
    // TURN_ONLY=1 forbids every other way: the check that your relay really works.
    rtc: coturnTurn({
      urls: [url, `${url}?transport=tcp`],
      secret,
      ttl: 600,
      policy: TURN_ONLY === "1" ? "relay" : "all",
    }),
  },
);
await stream.launch();
