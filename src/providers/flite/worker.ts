import { readFile } from "node:fs/promises";
import { workerData } from "node:worker_threads";
import { VoiceError } from "../../base/errors.ts";
import { serveJobs } from "../../node/workers.ts";
import { synthesize, type Synthesis } from "./synthesis.ts";
import type { FliteVoice } from "./voices.ts";

/** What the pool asks of a worker. */
export interface FliteJob {
  readonly text: string;
  readonly voice: Required<FliteVoice>;
}

const path: unknown = workerData;
if (typeof path !== "string") throw new VoiceError("bug", "the flite worker must be given the path of flite.wasm");
const module = readFile(path).then((bytes) => WebAssembly.compile(bytes));

serveJobs<FliteJob, Synthesis>(
  async ({ text, voice }) => synthesize(await module, text, voice),
  ({ samples }) => [samples.buffer],
);
