/* The WebSocket of a client, as one call sees it. */
import type { Platform } from "../base/platform.ts";
import type { Millis } from "../base/time.ts";
import { Lifeline, type ServerSocket } from "../node/socket.ts";
import type { Wire } from "./live-call.ts";

/** Bytes that may wait for a client that takes nothing; then it is given up, so that no event is ever left out. */
const LIMIT = 32 * 1024 * 1024;
const PING: Millis = 15_000;
const LOST: Millis = 45_000;
/** How long a client may take to answer our close, ms. */
const CLOSING: Millis = 2_000;

export interface WireListener {
  receive(text: string): void;
  /** The last call it makes. */
  gone(): void;
}

/** One client's socket. */
export class SocketWire implements Wire {
  readonly #socket: ServerSocket;
  readonly #platform: Platform;
  readonly #lifeline: Lifeline;
  #isOpen = true;

  constructor(socket: ServerSocket, platform: Platform, listener: WireListener) {
    this.#socket = socket;
    this.#platform = platform;
    this.#lifeline = new Lifeline({
      socket,
      clock: platform.clock,
      pingMs: PING,
      lostMs: LOST,
      lost: () => socket.terminate(),
    });
    socket.on("message", (data, isBinary) => {
      this.#lifeline.seen();
      // A binary frame is no event: the reader says so.
      listener.receive(isBinary ? "" : String(data));
    });
    socket.on("error", (error) => platform.log.debug("a client's socket failed", { error }));
    socket.on("close", () => {
      this.#isOpen = false;
      this.#lifeline.stop();
      listener.gone();
    });
  }

  send(text: string): void {
    if (!this.#isOpen) return;
    if (this.#socket.bufferedAmount > LIMIT) {
      this.#platform.log.warn("a client took nothing for too long and was given up");
      this.#socket.terminate();
      return;
    }
    this.#socket.send(text, { binary: false });
  }

  close(code: number, reason: string): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#socket.close(code, reason.slice(0, 120));
    const { clock } = this.#platform;
    const stop = clock.at(clock.now() + CLOSING, () => this.#socket.terminate());
    this.#socket.on("close", stop);
  }
}
