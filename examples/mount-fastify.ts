/* A stream below /voice of a Fastify application. Run it: npx repartee dev examples/mount-fastify.ts */
import fastify from "fastify";
import { replyOnPause, Stream } from "repartee";

const stream = new Stream(
  replyOnPause(async function* (turn) {
    yield turn.audio;
  }),
);

const app = fastify();
app.get("/", () => "The voice is at /voice/");
await stream.mount(app, { path: "/voice" });
await app.listen({ port: Number(process.env["PORT"] ?? 7860), host: process.env["HOST"] ?? "127.0.0.1" });
export default app.server;
