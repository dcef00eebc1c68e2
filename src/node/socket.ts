/*
 * What transports need of an accepted WebSocket, the way `ws` gives it, and the two things every one of them has to watch:
 * that what is sent also leaves, and that the peer is still there.
 */
import type { Clock, Millis } from "../base/time.ts";

/** An accepted WebSocket; a `WebSocket` of the package ws fits. Text arrives as bytes too. */
export interface ServerSocket {
  /** Bytes that were given to `send` and have not left. */
  readonly bufferedAmount: number;
  on(event: "message", listener: (data: unknown, isBinary: boolean) => void): unknown;
  on(event: "close", listener: (code: number) => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "pong", listener: () => void): unknown;
  send(data: string | Uint8Array, options: { readonly binary: boolean }): void;
  ping(): void;
  close(code: number, reason: string): void;
  terminate(): void;
}

/** Options for the `WebSocketServer` that accepts the sockets: its own defaults would take 100 MiB from anybody. */
export const socketServerOptions: {
  readonly maxPayload: number;
  readonly maxFragments: number;
  readonly maxBufferedChunks: number;
  readonly perMessageDeflate: false;
} = { maxPayload: 64 * 1024, maxFragments: 64, maxBufferedChunks: 1_024, perMessageDeflate: false };

/** How much may wait before audio is held back, ms of audio. */
const HIGH: Millis = 200;
/** How much audio is held back, ms; beyond it the oldest is dropped. */
const HELD: Millis = 1_000;
/** Pieces held back whatever their length. */
const HELD_PIECES = 512;
/** Between two looks at a socket that does not drain, ms. */
const LOOK: Millis = 20;
/** How long nothing may leave, ms. */
const STUCK: Millis = 5_000;
/** Bytes that may wait in all, before a peer that takes nothing is given up. */
const LIMIT = 1024 * 1024;

const TEXT = { binary: false } as const;
const BINARY = { binary: true } as const;

export interface OutletOptions {
  readonly socket: ServerSocket;
  readonly clock: Clock;
  /** Audio was dropped, the oldest first; `waiting` ms of later audio are held. */
  dropped(ms: Millis, waiting: Millis): void;
  /** The peer takes nothing any more. Called once. */
  stuck(): void;
  /** Whether the peer has room for more audio, by what it reports. Default: always. */
  room?(): boolean;
}

interface Piece {
  readonly data: string | Uint8Array;
  readonly binary: boolean;
  readonly ms: Millis;
}

/**
 * The sending half of a socket. Audio is held back once 200 ms of it wait in the socket, and at most 1 s is held, so a slow
 * link costs audio and never memory.
 */
export class Outlet {
  readonly #options: OutletOptions;
  #held: Piece[] = [];
  #heldMs: Millis = 0;
  /** Bytes that may wait in the socket while audio passes. */
  #high = 0;
  #movedAt: Millis = 0;
  #cancel: (() => void) | undefined;
  #closed = false;

  constructor(options: OutletOptions) {
    this.#options = options;
  }

  /** Audio that is held back, ms. */
  get held(): Millis {
    return this.#heldMs;
  }

  /** Sends at once, ahead of audio that is held back. */
  urgent(text: string): void {
    const { socket } = this.#options;
    if (this.#closed) return;
    if (socket.bufferedAmount > LIMIT) return this.#giveUp();
    socket.send(text, TEXT);
  }

  /** Sends audio of `ms`, or with 0 ms something that must stay in order with it. */
  send(data: string | Uint8Array, binary: boolean, ms: Millis): void {
    if (this.#closed) return;
    const { socket, clock } = this.#options;
    if (ms > 0) this.#high = Math.max(4096, (data.length * HIGH) / ms);
    if (this.#held.length === 0 && this.#open()) {
      socket.send(data, binary ? BINARY : TEXT);
      return;
    }
    this.#held.push({ data, binary, ms });
    this.#heldMs += ms;
    while (this.#heldMs > HELD || this.#held.length > HELD_PIECES) this.#drop();
    if (this.#cancel === undefined) {
      this.#movedAt = clock.now();
      this.#look();
    }
  }

  /** Forgets what is held back. */
  clear(): void {
    this.#held = [];
    this.#heldMs = 0;
  }

  close(): void {
    this.#closed = true;
    this.clear();
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #open(): boolean {
    const { socket, room } = this.#options;
    return socket.bufferedAmount <= this.#high && (room === undefined || room());
  }

  #drop(): void {
    const oldest = this.#held.shift();
    if (oldest === undefined || oldest.ms === 0) return;
    this.#heldMs -= oldest.ms;
    this.#options.dropped(oldest.ms, this.#heldMs);
  }

  #look(): void {
    const { socket, clock } = this.#options;
    this.#cancel = clock.at(clock.now() + LOOK, () => {
      this.#cancel = undefined;
      while (this.#held.length > 0 && this.#open()) {
        const piece = this.#held.shift();
        if (piece === undefined) break;
        this.#heldMs -= piece.ms;
        this.#movedAt = clock.now();
        socket.send(piece.data, piece.binary ? BINARY : TEXT);
      }
      if (this.#held.length === 0) return;
      if (clock.now() - this.#movedAt >= STUCK) this.#giveUp();
      else this.#look();
    });
  }

  #giveUp(): void {
    this.close();
    this.#options.stuck();
  }
}

export interface LifelineOptions {
  readonly socket: ServerSocket;
  readonly clock: Clock;
  /** A protocol ping goes out after this much silence, ms. Infinity: never. */
  readonly pingMs: Millis;
  /** After this much silence the peer is gone, ms. */
  readonly lostMs: Millis;
  lost(): void;
}

/** Notices that a peer is gone although its socket is open. One timer, a few times in `lostMs`. */
export class Lifeline {
  readonly #options: LifelineOptions;
  #seen: Millis;
  #cancel: (() => void) | undefined;

  constructor(options: LifelineOptions) {
    this.#options = options;
    this.#seen = options.clock.now();
    options.socket.on("pong", () => this.seen());
    this.#arm();
  }

  /** Something came from the peer. */
  seen(): void {
    this.#seen = this.#options.clock.now();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #arm(): void {
    const { socket, clock, pingMs, lostMs, lost } = this.#options;
    const next = Math.min(this.#seen + lostMs, clock.now() + Math.min(pingMs, lostMs / 2));
    this.#cancel = clock.at(next, () => {
      const silent = clock.now() - this.#seen;
      if (silent >= lostMs) return lost();
      if (silent >= pingMs) socket.ping();
      this.#arm();
    });
  }
}
