/* The smallest program: says back what you said, whenever you pause. Run it: npx repartee dev examples/echo.ts */
import { replyOnPause, Stream } from "repartee";

export const stream = new Stream(
  replyOnPause(async function* (turn) {
    yield turn.audio;
  }),
);
await stream.launch();
