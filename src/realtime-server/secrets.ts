/* Short-lived keys for browsers: `ek_…`, good for any number of sessions until they expire. */
import type { Platform } from "../base/platform.ts";
import { toBase64Url } from "../base/ids.ts";
import type { Epoch } from "../base/time.ts";
import type { SessionPatch } from "../protocol/openai/session.ts";

/** Secrets kept at once; the oldest go first. */
const MOST = 10_000;

interface Secret {
  readonly expiresAt: Epoch;
  readonly session: SessionPatch | undefined;
}

/** Hands out secrets and knows those that are still good. */
export class Secrets {
  readonly #platform: Platform;
  readonly #secrets = new Map<string, Secret>();

  constructor(platform: Platform) {
    this.#platform = platform;
  }

  make(session: SessionPatch | undefined, seconds: number): { readonly value: string; readonly expiresAt: Epoch } {
    const value = `ek_${toBase64Url(this.#platform.random(24))}`;
    const expiresAt = this.#platform.clock.wall() + seconds * 1000;
    this.#secrets.set(value, { expiresAt, session });
    for (const oldest of this.#secrets.keys()) {
      if (this.#secrets.size <= MOST) break;
      this.#secrets.delete(oldest);
    }
    return { value, expiresAt };
  }

  /** The session that comes with a secret; undefined when it is none of ours, or too old. */
  find(value: string): { readonly session: SessionPatch | undefined } | undefined {
    const secret = this.#secrets.get(value);
    if (secret === undefined) return undefined;
    if (secret.expiresAt > this.#platform.clock.wall()) return secret;
    this.#secrets.delete(value);
    return undefined;
  }
}
