/* A stream below /voice of a Hono application. Run it: npx repartee dev examples/mount-hono.ts */
import { createServer } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { Hono } from "hono";
import { replyOnPause, Stream } from "repartee";

const stream = new Stream(
  replyOnPause(async function* (turn) {
    yield turn.audio;
  }),
);

const app = new Hono();
app.get("/", (c) => c.text("The voice is at /voice/"));
const server = createServer(getRequestListener(app.fetch));
await stream.mount(app, { path: "/voice", server });
export default server.listen(Number(process.env["PORT"] ?? 7860), process.env["HOST"] ?? "127.0.0.1");
