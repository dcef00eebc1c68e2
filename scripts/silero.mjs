/*
 * Makes the weights of the voice detector: reads Silero VAD v6 (MIT) from the development dependency that carries it as an
 * ONNX file and writes its two networks in the format of src/vad/tensors.ts, which is all that runs.
 *
 *   node scripts/silero.mjs      writes dist/silero-v6-16k.bin and dist/silero-v6-8k.bin, unless they are up to date
 *
 * Runs at build time on whatever Node the machine has (18 or newer): plain JavaScript without dependencies.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const source = join(root, "node_modules", "@ricky0123", "vad-web", "dist", "silero_vad_v6.onnx");
const sourceHash = "1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3";

/** The networks are the branches of one If node; `hash` is the sha256 of the file we write, which is always the same. */
const networks = [
  {
    branch: "then_branch",
    file: "silero-v6-16k.bin",
    hash: "b5d33596ebbf8fa7aa819d6ac8fd771cb9edc7c597706af5526b330e26e8782f",
  },
  {
    branch: "else_branch",
    file: "silero-v6-8k.bin",
    hash: "d3147ebad093d6ba268b510799959554002a270f5ada6b3efe3e4b7c3b60fa45",
  },
];

const wanted = [
  "encoder.0.reparam_conv.weight",
  "encoder.0.reparam_conv.bias",
  "encoder.1.reparam_conv.weight",
  "encoder.1.reparam_conv.bias",
  "encoder.2.reparam_conv.weight",
  "encoder.2.reparam_conv.bias",
  "encoder.3.reparam_conv.weight",
  "encoder.3.reparam_conv.bias",
  "decoder.rnn.weight_ih",
  "decoder.rnn.weight_hh",
  "decoder.rnn.bias_ih",
  "decoder.rnn.bias_hh",
  "decoder.decoder.2.weight",
  "decoder.decoder.2.bias",
];

const cure = "Run `npm ci` to get the locked version of @ricky0123/vad-web back.";

main();

function main() {
  if (networks.every(({ file, hash }) => existsSync(at(file)) && hashOf(readFileSync(at(file))) === hash)) return;
  if (!existsSync(source))
    fail(
      "the package @ricky0123/vad-web is not installed.",
      "Run `npm ci` in the repository: it is a development dependency.",
    );
  const bytes = readFileSync(source);
  if (hashOf(bytes) !== sourceHash)
    fail(`silero_vad_v6.onnx has sha256 ${hashOf(bytes)}, expected ${sourceHash}.`, cure);
  const graph = field(message(bytes), 7); // ModelProto.graph
  mkdirSync(at(), { recursive: true });
  for (const { branch, file, hash } of networks) {
    const tensors = tensorsOf(graph, branch);
    const encoded = encode(wanted.map((name) => ({ name, ...tensors.get(name) })));
    if (hashOf(encoded) !== hash) fail(`${file} came out with sha256 ${hashOf(encoded)}, expected ${hash}.`, cure);
    // Written beside and renamed, so that nobody reads half a file.
    writeFileSync(at(`${file}.part`), encoded);
    renameSync(at(`${file}.part`), at(file));
    console.log(`silero: wrote dist/${file} (${encoded.length} bytes)`);
  }
}

function at(...parts) {
  return join(root, "dist", ...parts);
}

function hashOf(bytes) {
  return createHash("sha256").update(bytes).digest("hex");
}

function fail(what, cure) {
  console.error(`silero: ${what}\n        ${cure}`);
  process.exit(1);
}

/** The weights file: see src/vad/tensors.ts. */
function encode(tensors) {
  let header = JSON.stringify(tensors.map(({ name, shape }) => ({ name, shape })));
  while (header.length % 4 !== 0) header += " ";
  const start = Buffer.alloc(12);
  start.write("rptensor", "latin1");
  start.writeUInt32LE(header.length, 8);
  return Buffer.concat([start, Buffer.from(header, "latin1"), ...tensors.map(({ data }) => data)]);
}

/** The float tensors of one branch by name. They are the values of Constant nodes; the graph names carry a prefix. */
function tensorsOf(graph, branch) {
  const choice = fields(graph, 1).find((node) => text(node, 4) === "If");
  const attribute = fields(choice, 5).find((candidate) => text(candidate, 1) === branch);
  const tensors = new Map();
  for (const node of fields(field(attribute, 6), 1)) {
    if (text(node, 4) !== "Constant") continue;
    const tensor = field(field(node, 5), 5);
    const shape = (tensor.get(1) ?? []).flatMap(integers);
    const [type] = (tensor.get(2) ?? []).flatMap(integers);
    const data = tensor.get(9)?.[0]; // raw_data: little-endian float32
    if (type === 1 && shape.length > 0 && data !== undefined) {
      tensors.set(text(node, 2).replace(/^If_0_(then|else)_branch__Inline_0__/, ""), { shape, data });
    }
  }
  return tensors;
}

/*
 * As much protobuf as an ONNX file needs: a message is a list of fields; wire type 0 is a number, 2 is bytes, which may
 * be a message in turn; 1 and 5 are numbers of fixed size, which nothing here asks for.
 */

/** Field number → values as they stand in the file: numbers, or bytes. */
function message(bytes) {
  const found = new Map();
  for (let next = 0; next < bytes.length;) {
    const [tag, afterTag] = varint(bytes, next);
    const kind = tag & 7;
    let value;
    if (kind === 0) [value, next] = varint(bytes, afterTag);
    else if (kind === 1 || kind === 5) next = afterTag + (kind === 1 ? 8 : 4);
    else if (kind === 2) {
      const [length, start] = varint(bytes, afterTag);
      value = bytes.subarray(start, start + length);
      next = start + length;
    } else throw new Error(`wire type ${kind} at byte ${next}`);
    const number = tag >>> 3;
    if (value !== undefined) found.set(number, [...(found.get(number) ?? []), value]);
  }
  return found;
}

function fields(parent, number) {
  return (parent.get(number) ?? []).map(message);
}

function field(parent, number) {
  return message(parent.get(number)[0]);
}

function text(parent, number) {
  return parent.get(number)?.[0]?.toString("utf8") ?? "";
}

/** A repeated integer is written one by one, or packed into bytes. */
function integers(value) {
  if (typeof value === "number") return [value];
  const list = [];
  for (let next = 0; next < value.length;) {
    let number;
    [number, next] = varint(value, next);
    list.push(number);
  }
  return list;
}

/** Plain arithmetic instead of shifts: values may exceed 32 bits, and none we use exceeds 53. */
function varint(bytes, start) {
  let next = start;
  let value = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = bytes[next++];
    value += (byte & 127) * scale;
    if (byte < 128) return [value, next];
  }
}
