/*
 * Silero VAD v6 (MIT), forward pass only, equal to ONNX Runtime within 1e-5:
 *
 *   context │ window │ mirrored tail ─▶ 4 spectra (Hann, magnitude) ─▶ 4 convolutions of width 3 with ReLU, which take
 *   4 points in time down to 1 ─▶ LSTM cell of 128 ─▶ ReLU, dot product, sigmoid ─▶ probability
 *
 * Two networks of the same shape: 16 kHz (512 samples, spectra of 256) and 8 kHz (256 samples, spectra of 128), both 32 ms
 * a window. Weights and scratch space are shared by all callers of a process; a caller owns h, c and the context.
 */
import { VoiceError, isFault } from "../base/errors.ts";
import { hann, RealFft } from "../audio/fft.ts";
import { interleave, multiply, multiplyFour } from "./dense.ts";
import type { VoiceDetector } from "./detector.ts";
import { readTensors, type Tensors } from "./tensors.ts";

/** Cells of the LSTM; channels between the convolutions where it matters. */
const CELLS = 128;
const NARROW = 64;

/** A window whose peak is below -60 dBFS cannot hold speech: a muted or gated microphone. */
const QUIET_PEAK = 1e-3;
/** How many such windows in a row the network still sees: 1 s, so that pauses within a conversation change nothing. */
const QUIET_WINDOWS = 32;
/** How sure the network must be by then that nobody speaks. */
const QUIET_PROBABILITY = 0.1;

/** What the network remembers of one caller between windows. */
export interface SileroState {
  readonly hidden: Float64Array;
  readonly cell: Float64Array;
  /** The last samples of the window before. */
  readonly context: Float64Array;
}

/** The weights of one rate, laid out for speed, with the scratch space of one forward pass. Make it once per process. */
export class SileroNetwork {
  readonly rate: 8000 | 16000;
  /** Samples per window: 32 ms. */
  readonly window: number;
  readonly #contextLength: number;
  readonly #hop: number;
  readonly #fft: RealFft;
  readonly #convolutions: readonly { readonly weights: Float32Array; readonly bias: Float32Array }[];
  readonly #gates: Float32Array;
  readonly #gateBias: Float32Array;
  readonly #head: Float32Array;
  readonly #headBias: number;

  readonly #input: Float64Array;
  /** Four spectra with a row of zeros before and after: the padding of the first convolution. */
  readonly #spectra: Float64Array;
  readonly #wide = new Float64Array(4 * CELLS);
  readonly #narrow = new Float64Array(2 * NARROW);
  readonly #single = new Float64Array(NARROW);
  /** Input of the LSTM: the features, then h. */
  readonly #features = new Float64Array(2 * CELLS);
  readonly #gateSums = new Float64Array(4 * CELLS);

  /** `file`: the bytes of `silero-v6-16k.bin` or `silero-v6-8k.bin`. Throws VoiceError `model-missing` if they are not. */
  constructor(file: Uint8Array, rate: 8000 | 16000) {
    const tensors = readTensors(file);
    if (isFault(tensors))
      throw new VoiceError("model-missing", `the weights of Silero at ${rate} Hz cannot be read: ${tensors.why}`);
    const size = rate === 16000 ? 256 : 128;
    const bins = size / 2 + 1;
    this.rate = rate;
    this.window = 2 * size;
    this.#contextLength = size / 4;
    this.#hop = size / 2;
    this.#fft = new RealFft(size, hann(size));
    this.#convolutions = [
      {
        weights: rowMajor(take(tensors, "encoder.0.reparam_conv.weight", [CELLS, bins, 3]), CELLS, bins),
        bias: biasOf(tensors, 0, CELLS),
      },
      {
        weights: interleaved(take(tensors, "encoder.1.reparam_conv.weight", [NARROW, CELLS, 3]), NARROW, CELLS),
        bias: biasOf(tensors, 1, NARROW),
      },
      {
        weights: interleaved(take(tensors, "encoder.2.reparam_conv.weight", [NARROW, NARROW, 3]), NARROW, NARROW),
        bias: biasOf(tensors, 2, NARROW),
      },
      {
        weights: interleaved(take(tensors, "encoder.3.reparam_conv.weight", [CELLS, NARROW, 3]), CELLS, NARROW),
        bias: biasOf(tensors, 3, CELLS),
      },
    ];
    const inputWeights = take(tensors, "decoder.rnn.weight_ih", [4 * CELLS, CELLS]);
    const hiddenWeights = take(tensors, "decoder.rnn.weight_hh", [4 * CELLS, CELLS]);
    this.#gates = interleave(4 * CELLS, 2 * CELLS, (row, column) =>
      column < CELLS ? inputWeights[row * CELLS + column]! : hiddenWeights[row * CELLS + column - CELLS]!,
    );
    const hiddenBias = take(tensors, "decoder.rnn.bias_hh", [4 * CELLS]);
    this.#gateBias = take(tensors, "decoder.rnn.bias_ih", [4 * CELLS]).map((bias, i) => bias + hiddenBias[i]!);
    this.#head = take(tensors, "decoder.decoder.2.weight", [1, CELLS, 1]);
    this.#headBias = take(tensors, "decoder.decoder.2.bias", [1])[0]!;
    this.#input = new Float64Array(this.window + 2 * this.#contextLength);
    this.#spectra = new Float64Array(6 * bins);
  }

  /** The state at the beginning of a stream. */
  begin(): SileroState {
    return {
      hidden: new Float64Array(CELLS),
      cell: new Float64Array(CELLS),
      context: new Float64Array(this.#contextLength),
    };
  }

  /** One window through the network: its probability of speech; the state moves on. */
  run(state: SileroState, samples: Float32Array): number {
    const { context } = state;
    this.#transform(context, samples);
    const tail = samples.length - context.length;
    for (let i = 0; i < context.length; i++) context[i] = samples[tail + i]!;
    this.#encode();
    return this.#decode(state);
  }

  #transform(context: Float64Array, samples: Float32Array): void {
    const input = this.#input;
    const length = context.length;
    input.set(context, 0);
    input.set(samples, length);
    const end = length + this.window;
    for (let i = 0; i < length; i++) input[end + i] = input[end - 2 - i]!; // mirrored, without repeating the edge
    const { bins } = this.#fft;
    for (let t = 0; t < 4; t++) this.#fft.magnitudes(input, t * this.#hop, this.#spectra, (t + 1) * bins);
  }

  /** Columns of a weight matrix are the points in time before, at and after; those that meet padding are left out. */
  #encode(): void {
    const [first, second, third, fourth] = this.#convolutions;
    const { bins } = this.#fft;
    const wide = this.#wide;
    const narrow = this.#narrow;
    const single = this.#single;
    multiplyFour(first!.weights, 3 * bins, first!.bias, this.#spectra, bins, wide);
    rectify(wide, wide.length);
    multiply(second!.weights, 3 * CELLS, CELLS, 2 * CELLS, second!.bias, wide, 0, narrow, 0);
    multiply(second!.weights, 3 * CELLS, 0, 3 * CELLS, second!.bias, wide, CELLS, narrow, NARROW);
    rectify(narrow, narrow.length);
    multiply(third!.weights, 3 * NARROW, NARROW, 2 * NARROW, third!.bias, narrow, 0, single, 0);
    rectify(single, single.length);
    multiply(fourth!.weights, 3 * NARROW, NARROW, NARROW, fourth!.bias, single, 0, this.#features, 0);
    rectify(this.#features, CELLS);
  }

  #decode({ hidden, cell }: SileroState): number {
    const sums = this.#gateSums;
    const head = this.#head;
    this.#features.set(hidden, CELLS);
    multiply(this.#gates, 2 * CELLS, 0, 2 * CELLS, this.#gateBias, this.#features, 0, sums, 0);
    let score = this.#headBias;
    for (let i = 0; i < CELLS; i++) {
      const enter = sigmoid(sums[i]!);
      const forget = sigmoid(sums[CELLS + i]!);
      const candidate = Math.tanh(sums[2 * CELLS + i]!);
      const leave = sigmoid(sums[3 * CELLS + i]!);
      const next = forget * cell[i]! + enter * candidate;
      const shown = leave * Math.tanh(next);
      cell[i] = next;
      hidden[i] = shown;
      if (!(shown <= 0)) score += head[i]! * shown; // so written that NaN comes out as NaN
    }
    return sigmoid(score);
  }
}

/**
 * The voice detector of one caller: one forward pass per 32 ms, about 0.2 ms of work.
 *
 * After 1 s below -60 dBFS (a muted microphone) windows are answered with 0 and the network rests, its state as it was at
 * the end of that second. Forgetting the state instead makes the next onset 20 ms later, and letting the network hear
 * long silence makes it 90 ms later at 8 kHz (medians over 24 sentences with gaps of 4 s).
 */
export class Silero implements VoiceDetector {
  readonly rate: number;
  readonly window: number;
  readonly #network: SileroNetwork;
  readonly #state: SileroState;
  #last = 0;
  #quiet = 0;

  constructor(network: SileroNetwork) {
    this.rate = network.rate;
    this.window = network.window;
    this.#network = network;
    this.#state = network.begin();
  }

  push(samples: Float32Array): number {
    if (samples.length !== this.window)
      throw new RangeError(`a window must have ${this.window} samples, got ${samples.length}`);
    this.#quiet = isQuiet(samples) ? this.#quiet + 1 : 0;
    const resting = this.#quiet > QUIET_WINDOWS && this.#last < QUIET_PROBABILITY;
    this.#last = resting ? 0 : this.#network.run(this.#state, samples);
    // One NaN among the samples would stay in the state for ever, and comes out as NaN.
    if (Number.isNaN(this.#last)) this.reset();
    return this.#last;
  }

  reset(): void {
    this.#state.hidden.fill(0);
    this.#state.cell.fill(0);
    this.#state.context.fill(0);
    this.#last = 0;
    this.#quiet = 0;
  }
}

function isQuiet(samples: Float32Array): boolean {
  for (let i = 0; i < samples.length; i++) {
    const v = samples[i]!;
    if (!(v < QUIET_PEAK && v > -QUIET_PEAK)) return false;
  }
  return true;
}

function rectify(values: Float64Array, length: number): void {
  for (let i = 0; i < length; i++) if (values[i]! < 0) values[i] = 0;
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

function take(tensors: Tensors, name: string, shape: readonly number[]): Float32Array {
  const tensor = tensors.get(name);
  if (tensor === undefined || tensor.shape.join() !== shape.join()) {
    const got = tensor === undefined ? "none" : `[${tensor.shape.join(", ")}]`;
    throw new VoiceError("model-missing", `the weights of Silero must have ${name} [${shape.join(", ")}], got ${got}`);
  }
  return tensor.data;
}

function biasOf(tensors: Tensors, layer: number, channels: number): Float32Array {
  return take(tensors, `encoder.${layer}.reparam_conv.bias`, [channels]);
}

/** Convolution weights come as [out][in][3]; columns here are [3][in], so that an output is one run over three rows. */
function rowMajor(weights: Float32Array, rows: number, channels: number): Float32Array {
  const columns = 3 * channels;
  return Float32Array.from({ length: rows * columns }, (_, i) =>
    fromKernel(weights, channels, Math.floor(i / columns), i % columns),
  );
}

function interleaved(weights: Float32Array, rows: number, channels: number): Float32Array {
  return interleave(rows, 3 * channels, (row, column) => fromKernel(weights, channels, row, column));
}

function fromKernel(weights: Float32Array, channels: number, row: number, column: number): number {
  return weights[(row * channels + (column % channels)) * 3 + Math.floor(column / channels)]!;
}
