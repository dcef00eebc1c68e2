/* Cost of G.711 for one 20 ms telephone frame, 160 samples. `npx node bench/g711.ts`. Limit: 1 µs. */
import { decodeAlaw, decodeMulaw, encodeAlaw, encodeMulaw } from "../src/audio/g711.ts";
import { measure, report } from "./measure.ts";

const samples = Int16Array.from({ length: 160 }, (_, i) => 9000 * Math.sin(i / 3));
const bytes = encodeMulaw(samples);
const intoBytes = new Uint8Array(160);
const intoSamples = new Int16Array(160);

report("g711", [
  measure("µ-law encode", () => encodeMulaw(samples, intoBytes)[7] ?? 0),
  measure("µ-law decode", () => decodeMulaw(bytes, intoSamples)[7] ?? 0),
  measure("A-law encode", () => encodeAlaw(samples, intoBytes)[7] ?? 0),
  measure("A-law decode", () => decodeAlaw(bytes, intoSamples)[7] ?? 0),
  measure("µ-law encode into a new array", () => encodeMulaw(samples)[7] ?? 0),
  measure("µ-law decode into a new array", () => decodeMulaw(bytes)[7] ?? 0),
]);
