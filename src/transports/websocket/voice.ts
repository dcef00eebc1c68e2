/*
 * The form of our voice on the socket of a page. A stock page chains its buffers by `onended` and has a gap between any
 * two, so it gets 100 ms at a time; a v1 page has a real player and gets every 20 ms at once.
 */
import type { Millis } from "../../base/time.ts";
import { MediaText } from "../../protocol/media-text.ts";
import { binaryLength, writeBinaryFrame } from "../../protocol/socket.ts";
import type { Codec } from "./codecs.ts";

/** Audio in one message to a stock page, ms. */
const MESSAGE: Millis = 100;

/** Sends one direction's audio. */
export interface Voice {
  /** Mono samples at the codec's rate, 20 ms. */
  push(samples: Int16Array): void;
  /** Sends what waits for more. */
  flush(): void;
  /** Forgets what waits; what follows belongs to this epoch. */
  clear(epoch: number): void;
}

type Send = (data: Uint8Array, ms: Millis) => void;

const mediaText = new MediaText('{"event":"media","media":{"payload":"', '"}}');

/** `v1`: the page has a player, so nothing is gathered. */
export function createVoice(codec: Codec, binary: boolean, v1: boolean, send: Send): Voice {
  if (binary) return binaryVoice(codec, send);
  return textVoice(codec, v1 ? 0 : MESSAGE, send);
}

function binaryVoice(codec: Codec, send: Send): Voice {
  let epoch = 0;
  let sequence = 0;
  return {
    push(samples) {
      const payload = codec.encode(samples);
      const frame = { codec: codec.format.codec, epoch, sequence, payload };
      sequence = (sequence + 1) & 0xffff;
      send(writeBinaryFrame(frame, Buffer.allocUnsafe(binaryLength(payload))), (samples.length / codec.rate) * 1000);
    },
    flush() {},
    clear(next) {
      epoch = next;
    },
  };
}

function textVoice(codec: Codec, gatherMs: Millis, send: Send): Voice {
  const gathered = new Int16Array((codec.rate * gatherMs) / 1000);
  let filled = 0;
  const write = (samples: Int16Array): void => {
    const payload = codec.encode(samples);
    send(
      mediaText.write(payload, Buffer.allocUnsafe(mediaText.lengthFor(payload))),
      (samples.length / codec.rate) * 1000,
    );
  };
  return {
    push(samples) {
      if (samples.length > gathered.length) {
        this.flush();
        return write(samples);
      }
      if (filled + samples.length > gathered.length) this.flush();
      gathered.set(samples, filled);
      filled += samples.length;
      if (filled === gathered.length) this.flush();
    },
    flush() {
      if (filled > 0) write(filled === gathered.length ? gathered : gathered.subarray(0, filled));
      filled = 0;
    },
    clear() {
      filled = 0;
    },
  };
}
