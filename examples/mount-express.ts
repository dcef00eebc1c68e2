/* A stream below /voice of an Express application. Run it: npx repartee dev examples/mount-express.ts */
import express from "express";
import { replyOnPause, Stream } from "repartee";

const stream = new Stream(
  replyOnPause(async function* (turn) {
    yield turn.audio;
  }),
);

const app = express();
app.get("/", (_, response) => void response.send("The voice is at /voice/"));
const server = app.listen(Number(process.env["PORT"] ?? 7860), process.env["HOST"] ?? "127.0.0.1");
await stream.mount(app, { path: "/voice", server });
export default server;
