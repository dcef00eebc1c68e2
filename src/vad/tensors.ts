/*
 * A file of named float32 tensors, the weights of a network:
 *
 *   "rptensor" │ header length, uint32 │ header: JSON [{name, shape}, …] in ASCII │ the values of each, float32, in order
 *
 * Little-endian throughout. The header is padded with spaces so that the values begin on a multiple of 4 and can be looked
 * at without a copy. `scripts/silero.mjs` writes the same format, in the syntax of old Node versions.
 */
import type { Fault } from "../base/errors.ts";

export interface Tensor {
  readonly shape: readonly number[];
  /** Row-major: the last index runs fastest. */
  readonly data: Float32Array;
}

export type Tensors = ReadonlyMap<string, Tensor>;

const MAGIC = "rptensor";
const PREFIX_BYTES = 12;
const HOST_IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** The file of these tensors, in their order. Names are ASCII. Throws RangeError when a shape does not fit its data. */
export function writeTensors(tensors: Tensors): Uint8Array {
  let header = JSON.stringify([...tensors].map(([name, { shape }]) => ({ name, shape })));
  header += " ".repeat((4 - (header.length % 4)) % 4);
  let length = PREFIX_BYTES + header.length;
  for (const [name, { shape, data }] of tensors) {
    if (countOf(shape) !== data.length)
      throw new RangeError(`${name} must have ${countOf(shape)} values, got ${data.length}`);
    length += data.length * 4;
  }
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  putText(bytes, 0, MAGIC);
  view.setUint32(MAGIC.length, header.length, true);
  putText(bytes, PREFIX_BYTES, header);
  let at = PREFIX_BYTES + header.length;
  for (const { data } of tensors.values()) {
    for (let i = 0; i < data.length; i++, at += 4) view.setFloat32(at, data[i]!, true);
  }
  return bytes;
}

/** The tensors of a file by name; their data may be views on `bytes`. A fault with code `model-missing` when it is none. */
export function readTensors(bytes: Uint8Array): Tensors | Fault {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < PREFIX_BYTES || textAt(bytes, 0, MAGIC.length) !== MAGIC)
    return fault("expected a file of tensors");
  const headerLength = view.getUint32(MAGIC.length, true);
  let at = PREFIX_BYTES + headerLength;
  if (at > bytes.length) return fault(`expected a header of ${headerLength} bytes, the file has ${bytes.length}`);
  const header = parseHeader(textAt(bytes, PREFIX_BYTES, headerLength));
  if (header === undefined) return fault("expected a header [{name, shape}, …]");
  const tensors = new Map<string, Tensor>();
  for (const { name, shape } of header) {
    const count = countOf(shape);
    if (at + count * 4 > bytes.length) return fault(`expected ${count} values of ${name}, the file ends before`);
    tensors.set(name, { shape, data: floatsAt(bytes, view, at, count) });
    at += count * 4;
  }
  if (at !== bytes.length) return fault(`expected ${at} bytes, got ${bytes.length}`);
  return tensors;
}

function floatsAt(bytes: Uint8Array, view: DataView, at: number, count: number): Float32Array {
  const offset = bytes.byteOffset + at;
  if (HOST_IS_LITTLE_ENDIAN && offset % 4 === 0) return new Float32Array(bytes.buffer, offset, count);
  const data = new Float32Array(count);
  for (let i = 0; i < count; i++) data[i] = view.getFloat32(at + i * 4, true);
  return data;
}

function parseHeader(text: string): { name: string; shape: number[] }[] | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  return Array.isArray(parsed) && parsed.every(isEntry) ? parsed : undefined;
}

function isEntry(entry: unknown): entry is { name: string; shape: number[] } {
  if (typeof entry !== "object" || entry === null || !("name" in entry) || !("shape" in entry)) return false;
  const { name, shape } = entry;
  return typeof name === "string" && Array.isArray(shape) && shape.every((n) => Number.isSafeInteger(n) && n >= 0);
}

function countOf(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

function textAt(bytes: Uint8Array, at: number, length: number): string {
  let text = "";
  for (let i = 0; i < length; i++) text += String.fromCharCode(bytes[at + i]!);
  return text;
}

function putText(bytes: Uint8Array, at: number, text: string): void {
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
}

function fault(why: string): Fault {
  return { fault: "model-missing", why };
}
