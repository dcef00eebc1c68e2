/* `npm start`: the HR team on this one machine, without a key and without a network. */
import { VoiceError } from "repartee";
import { serveUntilStopped, Stream } from "repartee/server";
import { openDemo } from "./demo.ts";

const { handler, detector, page, warmUp, close } = await openDemo();
// Recogniser and voices start while the server already answers: nobody is faster than they are.
warmUp().catch((error: unknown) => {
  // Stopped before everything was warm.
  if (error instanceof VoiceError && error.code === "closed") return;
  process.stderr.write(error instanceof VoiceError ? `${error.message}\n${error.cure}\n` : `${String(error)}\n`);
  process.exit(1);
});
process.exitCode = await serveUntilStopped(new Stream(handler, { detector, page }), { onClose: close });
