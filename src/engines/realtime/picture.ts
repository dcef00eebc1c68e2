/*
 * A camera picture as the data URL that a model is shown. JPEG goes as it is; raw pixels become a PNG, which needs
 * nothing but zlib. Compressed video frames cannot be shown without a decoder.
 */
import { promisify } from "node:util";
import { crc32, deflate } from "node:zlib";
import { VoiceError } from "../../base/errors.ts";
import type { VideoFrame } from "../../video/frame.ts";

const compress: (bytes: Uint8Array, options: { readonly level: number }) => Promise<Buffer> = promisify(deflate);
const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** Fast: a picture is sent once per turn and thrown away. */
const LEVEL = 1;

/** Throws VoiceError `unsupported` for a format that is no picture by itself, `bad-message` for too few bytes. */
export async function toDataUrl(frame: VideoFrame): Promise<string> {
  const { format, data } = frame;
  if (format === "jpeg")
    return `data:image/jpeg;base64,${Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64")}`;
  if (format !== "rgba") throw new VoiceError("unsupported", `a model is shown jpeg or rgba pictures, got ${format}`);
  return `data:image/png;base64,${(await toPng(frame)).toString("base64")}`;
}

/** PNG, 8 bits a channel, without alpha: a camera has none. */
async function toPng({ data, width, height }: VideoFrame): Promise<Buffer> {
  if (data.length < width * height * 4)
    throw new VoiceError(
      "bad-message",
      `a picture of ${width} × ${height} needs ${width * height * 4} bytes, got ${data.length}`,
    );
  const row = width * 3 + 1;
  const pixels = Buffer.alloc(row * height);
  for (let y = 0; y < height; y++) {
    let to = y * row + 1;
    let from = y * width * 4;
    for (let x = 0; x < width; x++, from += 4, to += 3) {
      pixels[to] = data[from] ?? 0;
      pixels[to + 1] = data[from + 1] ?? 0;
      pixels[to + 2] = data[from + 2] ?? 0;
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    SIGNATURE,
    chunk("IHDR", header),
    chunk("IDAT", await compress(pixels, { level: LEVEL })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}
