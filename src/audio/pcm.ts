/*
 * The forms samples take: Int16Array between parts, Float32Array in [-1, 1] inside the numeric ones, little-endian bytes
 * on the wire. 1.0 is 32768, so int16 → float → int16 gives back every sample.
 */
const HOST_IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Samples in [-1, 1). Writes into `into` when given, which must be at least as long, and returns the part written. */
export function int16ToFloat32(samples: Int16Array, into?: Float32Array): Float32Array {
  const out = target(into, samples.length, Float32Array);
  for (let i = 0; i < samples.length; i++) out[i] = samples[i]! / 32768;
  return out;
}

/**
 * Rounds to int16. What is out of range is clamped (1.5 becomes 32767), NaN becomes 0. Writes into `into` when given,
 * which must be at least as long, and returns the part written.
 */
export function float32ToInt16(samples: Float32Array, into?: Int16Array): Int16Array {
  const out = target(into, samples.length, Int16Array);
  for (let i = 0; i < samples.length; i++) out[i] = clampInt16(Math.round(samples[i]! * 32768));
  return out;
}

/** The same samples as little-endian bytes: a view on the same memory on every usual machine. */
export function int16ToBytes(samples: Int16Array): Uint8Array {
  if (HOST_IS_LITTLE_ENDIAN) return new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
  const bytes = new Uint8Array(samples.length * 2);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < samples.length; i++) view.setInt16(i * 2, samples[i]!, true);
  return bytes;
}

/**
 * Little-endian bytes as samples: a view on the same memory where the bytes lie on an even address, else a copy. An odd
 * byte at the end is left out: streams that are cut anywhere go through `SampleJoiner`.
 */
export function bytesToInt16(bytes: Uint8Array): Int16Array {
  const length = bytes.length >> 1;
  if (HOST_IS_LITTLE_ENDIAN && bytes.byteOffset % 2 === 0)
    return new Int16Array(bytes.buffer, bytes.byteOffset, length);
  const samples = new Int16Array(length);
  for (let i = 0; i < length; i++) samples[i] = bytes[i * 2]! | (bytes[i * 2 + 1]! << 8);
  return samples;
}

/** Interleaved stereo to mono: the mean of both channels. A half pair at the end is left out. */
export function stereoToMono(samples: Int16Array, into?: Int16Array): Int16Array {
  const length = samples.length >> 1;
  const out = target(into, length, Int16Array);
  for (let i = 0; i < length; i++) out[i] = (samples[i * 2]! + samples[i * 2 + 1]!) >> 1;
  return out;
}

/** Mono to interleaved stereo: the same on both channels. */
export function monoToStereo(samples: Int16Array): Int16Array {
  const out = new Int16Array(samples.length * 2);
  for (let i = 0; i < samples.length; i++) {
    out[i * 2] = samples[i]!;
    out[i * 2 + 1] = samples[i]!;
  }
  return out;
}

/** Limits a number to what an int16 can hold. */
export function clampInt16(value: number): number {
  return value > 32767 ? 32767 : value < -32768 ? -32768 : value;
}

/** Turns a byte stream that is cut anywhere into whole samples: carries the odd byte over to the next chunk. */
export class SampleJoiner {
  #odd = -1;

  /** Whether half a sample waits for its other byte. */
  get odd(): boolean {
    return this.#odd >= 0;
  }

  /** The whole samples so far; empty when there is none. A view on `bytes` where that is possible. */
  push(bytes: Uint8Array): Int16Array {
    if (bytes.length === 0) return new Int16Array(0);
    if (this.#odd < 0) {
      if (bytes.length % 2 === 1) this.#odd = bytes[bytes.length - 1]!;
      return bytesToInt16(bytes);
    }
    const whole = bytes.length % 2 === 1 ? bytes.length : bytes.length - 1;
    const joined = new Uint8Array(whole + 1);
    joined[0] = this.#odd;
    joined.set(whole === bytes.length ? bytes : bytes.subarray(0, whole), 1);
    this.#odd = whole === bytes.length ? -1 : bytes[whole]!;
    return bytesToInt16(joined);
  }

  /** Forgets the odd byte: a new stream begins. */
  reset(): void {
    this.#odd = -1;
  }
}

/** The whole samples of a byte stream, such as the body of a text-to-speech answer. An odd byte at the very end is dropped. */
export async function* aggregate(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Int16Array, void, undefined> {
  const joiner = new SampleJoiner();
  for await (const chunk of chunks) {
    const samples = joiner.push(chunk);
    if (samples.length > 0) yield samples;
  }
}

function target<T extends Int16Array | Float32Array>(
  into: T | undefined,
  length: number,
  make: new (length: number) => T,
): T {
  if (into === undefined) return new make(length);
  if (into.length < length) throw new RangeError(`into must hold ${length} samples, got ${into.length}`);
  return into.length === length ? into : (into.subarray(0, length) as T);
}
