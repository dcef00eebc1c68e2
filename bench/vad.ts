/* Cost of judging one window of 32 ms. `npx node bench/vad.ts`. Limit for Silero: 400 µs. */
import { int16ToFloat32 } from "../src/audio/pcm.ts";
import { loadSilero } from "../src/providers/silero/index.ts";
import type { VoiceDetector } from "../src/vad/detector.ts";
import { EnergyDetector } from "../src/vad/energy.ts";
import { speechLike } from "../test/fixtures/speech-like.ts";
import { measure, report } from "./measure.ts";

const from = performance.now();
const make = await loadSilero();
const loadMs = performance.now() - from;
console.log(`weights read and laid out in ${loadMs.toFixed(0)} ms`);

/** The same ten seconds again and again. */
function listening(detector: VoiceDetector): () => number {
  const samples = int16ToFloat32(speechLike(detector.rate, 10));
  const windows = Array.from({ length: Math.floor(samples.length / detector.window) }, (_, i) =>
    samples.subarray(i * detector.window, (i + 1) * detector.window),
  );
  let next = 0;
  return () => {
    const window = windows[next];
    next = (next + 1) % windows.length;
    return window === undefined ? Number.NaN : detector.push(window);
  };
}

const measurements = [
  measure("silero 16 kHz", listening(make(16000))),
  measure("silero 8 kHz", listening(make(8000))),
  measure("energy 16 kHz", listening(new EnergyDetector(16000))),
  measure("energy 48 kHz", listening(new EnergyDetector(48000))),
];

const muted = make(16000);
const silence = new Float32Array(muted.window);
for (let i = 0; i < 200; i++) muted.push(silence);
measurements.push(measure("silero 16 kHz, muted caller", () => muted.push(silence)));

// In a server the caches hold other things by the time the next window comes: walk through 16 MB in between.
const other = new Float64Array(2 << 20).fill(1);
const cold = listening(make(16000));
const walk = (): number => {
  let sum = 0;
  for (let i = 0; i < other.length; i += 8) sum += other[i]!;
  return sum;
};
const walked = measure("walking through 16 MB", walk, { batches: 9 });
const both = measure("walking through 16 MB, then silero 16 kHz", () => walk() + cold(), { batches: 9 });
console.log(`silero 16 kHz with cold caches: about ${(both.us - walked.us).toFixed(0)} µs`);

report("vad", measurements, { coldUs: Math.round(both.us - walked.us), loadMs: Math.round(loadMs) });
