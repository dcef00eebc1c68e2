/* Cost of resampling one 20 ms frame of int16 samples. `npx node bench/resample.ts`. Limit: 30 µs for 48 to 24 kHz. */
import { Resampler } from "../src/audio/resample.ts";
import { measure, report } from "./measure.ts";

const ratios = [
  [48000, 24000],
  [24000, 48000],
  [48000, 16000],
  [24000, 16000],
  [24000, 8000],
  [8000, 24000],
  [44100, 16000],
  [22050, 24000],
] as const;

const measurements = ratios.flatMap(([from, to]) =>
  (["voice", "hq"] as const).map((quality) => {
    const resampler = new Resampler(from, to, { quality });
    const input = Int16Array.from({ length: from / 50 }, (_, i) => 9000 * Math.sin(i / 7));
    const output = new Int16Array(to / 25);
    return measure(`${from} to ${to} ${quality}`, () => resampler.push(input, output));
  }),
);

const detector = new Resampler(24000, 16000);
const floats = new Float32Array(640);
const frame = Int16Array.from({ length: 480 }, (_, i) => 9000 * Math.sin(i / 7));
measurements.push(measure("24000 to 16000 voice, into floats", () => detector.push(frame, floats)));

const fresh = measure("a new resampler of a known ratio", () => new Resampler(48000, 24000).lookAheadMs);
const heap = allocated(() => detector.push(frame, floats));
console.log(`allocated per frame: ${heap.toFixed(1)} bytes`);
report("resample", [...measurements, fresh], { bytesPerFrame: Number(heap.toFixed(1)) });

/** Heap growth per call over 20 000 calls: a few bytes are the measurement itself. */
function allocated(call: () => void): number {
  for (let i = 0; i < 20_000; i++) call();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 20_000; i++) call();
  return Math.max(0, (process.memoryUsage().heapUsed - before) / 20_000);
}
