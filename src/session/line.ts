/*
 * The line to one caller: one transport at a time, which may be lost and replaced. Late calls of a transport that was
 * replaced are ignored. A line that is lost and can be resumed waits; nobody coming back in time ends it.
 */
import { deferred } from "../base/deferred.ts";
import { VoiceError } from "../base/errors.ts";
import type { Clock, Millis } from "../base/time.ts";
import type { PageEvent } from "../protocol/page.ts";
import type { Output, Transport, TransportSink } from "./types.ts";

export interface LineOptions {
  readonly clock: Clock;
  /** How long a lost line waits for its caller, ms; 0: not at all. */
  readonly awayMs: Millis;
  /** Where media and messages go. */
  readonly sink: Omit<TransportSink, "closed">;
  /** The line is lost, the caller may come back. */
  readonly onAway: () => void;
  /** The line is gone for good. */
  readonly onClosed: (reason: unknown) => void;
}

/** Carries one session over one transport after the other. */
export class Line {
  readonly #options: LineOptions;
  #transport: Transport;
  #generation = 0;
  #connected = false;
  #closing = false;
  #cancelAway: (() => void) | undefined;
  readonly #closed = deferred<void>();

  constructor(transport: Transport, options: LineOptions) {
    this.#transport = transport;
    this.#options = options;
  }

  get transport(): Transport {
    return this.#transport;
  }

  /** Settles when the last transport is closed. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** Connects the transport. */
  open(): void {
    this.#generation += 1;
    this.#connected = true;
    const generation = this.#generation;
    const { sink } = this.#options;
    const current = (): boolean => generation === this.#generation && this.#connected;
    this.#transport.open({
      audio: (frame) => {
        if (current()) sink.audio(frame);
      },
      video: (frame) => {
        if (current()) sink.video(frame);
      },
      message: (message) => {
        if (current()) sink.message(message);
      },
      played: (upTo) => {
        if (current()) sink.played(upTo);
      },
      closed: (reason, resumable) => {
        if (generation === this.#generation) this.#lost(reason, resumable);
      },
    });
  }

  /** Goes on over another transport; the old one, if it still stands, is closed. */
  move(transport: Transport): void {
    const old = this.#transport;
    const stood = this.#connected;
    this.#cancelAway?.();
    this.#cancelAway = undefined;
    this.#transport = transport;
    try {
      this.open();
    } catch (error) {
      this.#lost(error, true);
      throw error;
    } finally {
      if (stood) old.close(new VoiceError("closed", "the call goes on over another transport"));
    }
  }

  send(output: Output): void {
    if (this.#connected) this.#transport.send(output);
  }

  tell(event: PageEvent): void {
    if (this.#connected) this.#transport.tell(event);
  }

  clear(): void {
    if (this.#connected) this.#transport.clear();
  }

  close(reason: unknown): void {
    this.#closing = true;
    this.#cancelAway?.();
    this.#cancelAway = undefined;
    if (this.#connected) this.#transport.close(reason);
    else this.#closed.resolve();
  }

  #lost(reason: unknown, resumable: boolean): void {
    this.#connected = false;
    const { clock, awayMs, onAway, onClosed } = this.#options;
    if (!resumable || awayMs <= 0 || this.#closing) {
      this.#closed.resolve();
      onClosed(reason);
      return;
    }
    this.#cancelAway = clock.at(clock.now() + awayMs, () => {
      this.#closed.resolve();
      onClosed(
        new VoiceError("connection-lost", `the caller did not come back within ${awayMs} ms`, { cause: reason }),
      );
    });
    onAway();
  }
}
