/** Samples in, samples out: the parts of repartee for programs that handle audio themselves. Runs anywhere. */
export { type AudioFrame, concat, durationOf, monoFrame, silence } from "./audio/frame.ts";
export { hann, RealFft } from "./audio/fft.ts";
export { ALAW_SILENCE, decodeAlaw, decodeMulaw, encodeAlaw, encodeMulaw, MULAW_SILENCE } from "./audio/g711.ts";
export { DUCK_GAIN, DUCK_MS, FADE_MS, Gain, UNDUCK_MS } from "./audio/gain.ts";
export { fromDecibels, levelOf, peakOf, rmsOf, SILENCE_DB, toDecibels } from "./audio/level.ts";
export {
  aggregate,
  bytesToInt16,
  float32ToInt16,
  int16ToBytes,
  int16ToFloat32,
  monoToStereo,
  SampleJoiner,
  stereoToMono,
} from "./audio/pcm.ts";
export { Rechunker, Windower } from "./audio/rechunk.ts";
export { resample, Resampler, type ResamplerOptions, type ResamplerQuality } from "./audio/resample.ts";
export { readWav, type Wav, WAV_HEADER_BYTES, wavHeader, writeWav } from "./audio/wav.ts";
