/*
 * What the conformance peers share: a realtime server on a free port, with a scripted engine behind it, and speech to play
 * to it. The peers themselves are programs we did not write.
 */
import { createSelfSignedCertificate } from "werift";
import { int16ToBytes } from "../../src/audio/pcm.ts";
import { silentLog } from "../../src/base/log.ts";
import { scripted, type Script, type Scripted } from "../../src/engines/scripted/index.ts";
import { nodePlatform } from "../../src/node/platform.ts";
import {
  createRealtimeServer,
  type RealtimeServer,
  type RealtimeServerOptions,
} from "../../src/realtime-server/index.ts";
import { spoken } from "../../src/testing/speech.ts";

export interface Bench {
  readonly server: RealtimeServer;
  readonly engine: Scripted;
  readonly port: number;
  /** Base of the HTTP routes, `…/v1`. */
  readonly url: string;
  close(): Promise<void>;
}

export interface BenchOptions extends Omit<RealtimeServerOptions, "engine" | "platform"> {
  readonly replies: Script;
  readonly hears?: readonly string[];
  readonly tls?: boolean;
}

/** A server for one test. What its engine says is as long as 60 ms a character. */
export async function bench({ replies, hears, tls = false, ...options }: BenchOptions): Promise<Bench> {
  const engine = scripted({ replies, hears: hears ?? [], can: { rate: { in: 16_000, out: 24_000 } } });
  const server = await createRealtimeServer({ ...options, engine, platform: nodePlatform({ log: silentLog }) });
  // DTLS and TLS make the same certificates: SHA-256 with ECDSA.
  const made = tls ? await createSelfSignedCertificate({ hash: 4, signature: 3 }) : undefined;
  const { url, port } = await server.listen({
    port: 0,
    ...(made !== undefined && { tls: { cert: made.certPem, key: made.keyPem } }),
  });
  return { server, engine, port, url, close: () => server.close() };
}

const said = new Map<string, Buffer>();

/** Real speech as PCM at 24 kHz, with silence behind it that ends a turn. */
export function speech(text: string, tailMs = 900): Buffer {
  const key = `${tailMs} ${text}`;
  let bytes = said.get(key);
  if (bytes === undefined) {
    bytes = Buffer.from(int16ToBytes(spoken(text, { rate: 24_000, tailMs }).samples));
    said.set(key, bytes);
  }
  return bytes;
}

/** Cuts bytes into pieces of 20 ms. */
export function pieces(bytes: Buffer, size = 960): readonly Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
}

/** Waits for something to become true, looking after every turn of the event loop. Fails with what was awaited. */
export async function until(what: string, isTrue: () => boolean, ms = 10_000): Promise<void> {
  const end = performance.now() + ms;
  while (!isTrue()) {
    if (performance.now() > end) throw new Error(`${what} did not happen within ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
