/* An echo that takes one caller at a time, for as long as TIME_LIMIT_MS. */
import { replyOnPause } from "repartee";
import { serveUntilStopped, Stream } from "repartee/server";

const timeLimitMs = Number(process.env["TIME_LIMIT_MS"] ?? 60_000);
const stream = new Stream(
  replyOnPause(async function* (turn) {
    yield turn.audio;
  }),
  { concurrencyLimit: 1, timeLimitMs },
);
process.exitCode = await serveUntilStopped(stream);
