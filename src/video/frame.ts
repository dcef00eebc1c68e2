import type { Millis } from "../base/time.ts";

/** One picture. */
export interface VideoFrame {
  readonly kind: "video";
  readonly data: Uint8Array;
  readonly format: "rgba" | "i420" | "jpeg" | "vp8" | "h264";
  /** In pixels. */
  readonly width: number;
  readonly height: number;
  readonly at: Millis;
}
