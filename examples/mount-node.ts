/* A stream below /voice of a plain node:http server. Run it: npx repartee dev examples/mount-node.ts */
import { createServer } from "node:http";
import { replyOnPause, Stream } from "repartee";

const stream = new Stream(
  replyOnPause(async function* (turn) {
    yield turn.audio;
  }),
);

const server = createServer((_, response) => response.end("The voice is at /voice/"));
await stream.mount(server, { path: "/voice" });
export default server.listen(Number(process.env["PORT"] ?? 7860), process.env["HOST"] ?? "127.0.0.1");
