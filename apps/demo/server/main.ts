/* `npm start`: the HR team on this one machine, without a key and without a network. */
import { serveUntilStopped, Stream } from "repartee/server";
import { openDemo } from "./demo.ts";

const { handler, detector, page, warmUp, close } = await openDemo();
await warmUp();
process.exitCode = await serveUntilStopped(new Stream(handler, { detector, page }), { onClose: close });
