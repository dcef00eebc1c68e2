import type { LatencyPart } from "../../../../src/client/index.ts";

/** In the order in which they happen, bottom of a bar to top. The colours are in latency.css, by these names. */
export const latencyParts: readonly { readonly part: LatencyPart; readonly name: string }[] = [
  { part: "endpointing", name: "end of turn" },
  { part: "stt", name: "speech to text" },
  { part: "llm", name: "model" },
  { part: "tool", name: "tools" },
  { part: "tts", name: "voice" },
  { part: "framework", name: "framework" },
  { part: "network", name: "network + buffers" },
];
