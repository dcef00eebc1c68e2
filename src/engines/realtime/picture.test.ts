import { inflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { VideoFrame } from "../../video/frame.ts";
import { toDataUrl } from "./picture.ts";

const frame = (format: VideoFrame["format"], data: Uint8Array, width = 2, height = 1): VideoFrame => ({
  kind: "video",
  format,
  data,
  width,
  height,
  at: 0,
});

describe("a picture for a model", () => {
  it("sends a JPEG as it is", async () => {
    expect(await toDataUrl(frame("jpeg", Uint8Array.of(0xff, 0xd8, 1)))).toBe("data:image/jpeg;base64,/9gB");
  });

  it("makes a PNG of raw pixels that has every one of them, without alpha", async () => {
    const url = await toDataUrl(frame("rgba", Uint8Array.of(1, 2, 3, 255, 4, 5, 6, 0)));
    const png = Buffer.from(url.slice(url.indexOf(",") + 1), "base64");
    expect(png.subarray(1, 4).toString()).toBe("PNG");
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([2, 1]);
    const at = png.indexOf("IDAT");
    expect([...inflateSync(png.subarray(at + 4, at + 4 + png.readUInt32BE(at - 4)))]).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  it("refuses frames that are no pictures, and pictures with too few bytes", async () => {
    await expect(toDataUrl(frame("vp8", new Uint8Array(8)))).rejects.toMatchObject({ code: "unsupported" });
    await expect(toDataUrl(frame("rgba", new Uint8Array(4)))).rejects.toMatchObject({ code: "bad-message" });
  });
});
