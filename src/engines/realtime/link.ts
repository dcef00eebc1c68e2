/*
 * One WebSocket to a provider, seen as text in and text out. It notices a peer that is gone although its socket is open,
 * and closes without waiting for a peer that does not answer: the close handshake of some services takes 20 s.
 */
import { WebSocket } from "ws";
import { VoiceError } from "../../base/errors.ts";
import type { Clock, Millis } from "../../base/time.ts";
import { refusalError } from "../../realtime/faults.ts";

/** Sent after this much silence of the provider. */
const PING: Millis = 15_000;
/** The provider is gone after this much silence. */
const DEAD: Millis = 30_000;
/** How long the provider may take to close. */
const CLOSE: Millis = 2_000;
/** The largest event: audio of a minute and more. */
const MAX_PAYLOAD = 16 * 1024 * 1024;

/** What the link needs of a socket. */
export interface ClientSocket {
  /** Bytes given to `send` that have not left. */
  readonly bufferedAmount: number;
  send(text: string): void;
  ping(): void;
  close(code: number, reason: string): void;
  terminate(): void;
}

/** What a socket tells. Nothing here throws. */
export interface SocketEvents {
  open(): void;
  text(text: string): void;
  pong(): void;
  /** It did not open. */
  failed(error: VoiceError): void;
  /** The last call; also after `failed`. */
  closed(code: number, reason: string): void;
}

/** Begins to open a socket. */
export type Dial = (url: string, headers: Readonly<Record<string, string>>, events: SocketEvents) => ClientSocket;

/** Opens a socket of the package ws. Redirects are not followed: credentials must not travel to another host. */
export const dialWebSocket: Dial = (url, headers, events) => {
  const socket = new WebSocket(url, {
    headers,
    perMessageDeflate: false,
    maxPayload: MAX_PAYLOAD,
    followRedirects: false,
  });
  socket.on("open", () => events.open());
  socket.on("message", (data, isBinary) => {
    // The protocol is text only; what else comes is not for us.
    if (!isBinary && Buffer.isBuffer(data)) events.text(data.toString("utf8"));
  });
  socket.on("pong", () => events.pong());
  socket.on("unexpected-response", (request, response) => {
    const seconds = Number(response.headers["retry-after"]);
    events.failed(refusalError(response.statusCode ?? 0, seconds > 0 ? seconds * 1000 : undefined));
    request.destroy();
    socket.terminate();
  });
  socket.on("error", (cause) => {
    // The address may hold a credential, so the message of the cause is left out of ours; `cause.message` is ws's own.
    events.failed(
      new VoiceError("provider-unavailable", "the connection to the provider failed", { meta: { why: whyOf(cause) } }),
    );
  });
  socket.on("close", (code, reason) => events.closed(code, reason.toString("utf8")));
  return socket;
};

export interface LinkOptions {
  readonly dial: Dial;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly clock: Clock;
  opened(): void;
  text(text: string): void;
  /** Called once: it did not open, was closed by the provider, or is dead. Not after `close`. */
  lost(fault: LinkFault): void;
}

export type LinkFault = { readonly error: VoiceError } | { readonly code: number; readonly reason: string };

/** A socket with a pulse. */
export class Link {
  readonly #options: LinkOptions;
  readonly #socket: ClientSocket;
  #seenAt: Millis;
  #isOpen = false;
  #isOver = false;
  #cancelPulse: (() => void) | undefined;
  #closed: Promise<void> | undefined;
  #onClosed: (() => void) | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#seenAt = options.clock.now();
    this.#socket = options.dial(options.url, options.headers, {
      open: () => this.#opened(),
      text: (text) => {
        this.#seenAt = options.clock.now();
        if (!this.#isOver) options.text(text);
      },
      pong: () => {
        this.#seenAt = options.clock.now();
      },
      failed: (error) => this.#lose({ error }),
      closed: (code, reason) => {
        this.#onClosed?.();
        this.#lose({ code, reason });
      },
    });
  }

  /** When something last came, on the clock. */
  get seenAt(): Millis {
    return this.#seenAt;
  }

  /** Bytes that wait to leave. */
  get waiting(): number {
    return this.#socket.bufferedAmount;
  }

  /** Ignored unless the socket is open. */
  send(text: string): void {
    if (this.#isOpen && !this.#isOver) this.#socket.send(text);
  }

  /** Settles within 2 s, whatever the provider does. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const { clock } = this.#options;
    const wasOver = this.#isOver;
    this.#stop();
    if (wasOver) return;
    await new Promise<void>((resolve) => {
      const cancel = clock.at(clock.now() + CLOSE, () => {
        this.#socket.terminate();
        resolve();
      });
      this.#onClosed = () => {
        cancel();
        resolve();
      };
      if (this.#isOpen) this.#socket.close(1000, "");
      else this.#socket.terminate();
    });
  }

  #opened(): void {
    if (this.#isOver) {
      this.#socket.terminate();
      return;
    }
    this.#isOpen = true;
    this.#seenAt = this.#options.clock.now();
    this.#pulse();
    this.#options.opened();
  }

  #pulse(): void {
    const { clock } = this.#options;
    this.#cancelPulse = clock.at(Math.min(this.#seenAt + DEAD, clock.now() + PING), () => {
      const silent = clock.now() - this.#seenAt;
      if (silent >= DEAD) {
        const error = new VoiceError("provider-timeout", `nothing came from the provider for ${DEAD} ms`);
        this.#lose({ error });
        return;
      }
      if (silent >= PING) this.#socket.ping();
      this.#pulse();
    });
  }

  #lose(fault: LinkFault): void {
    if (this.#isOver) return;
    this.#stop();
    this.#socket.terminate();
    this.#options.lost(fault);
  }

  #stop(): void {
    this.#isOver = true;
    this.#cancelPulse?.();
    this.#cancelPulse = undefined;
  }
}

function whyOf(cause: Error): string {
  const code: unknown = "code" in cause ? cause.code : undefined;
  return typeof code === "string" ? code : cause.name;
}
