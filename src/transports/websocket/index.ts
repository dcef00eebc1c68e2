/*
 * Calls over a WebSocket: stock FastRTC pages and our own client. See docs/wire.md.
 */
import type { ServerSocket } from "../../node/socket.ts";
import type { Calls } from "../../session/calls.ts";
import { Handshake, type SocketOptions } from "./handshake.ts";

export type { SocketOptions } from "./handshake.ts";
export { type ServerSocket, socketServerOptions } from "../../node/socket.ts";
export { supportedFormats } from "./codecs.ts";

export interface AnswerSocketOptions<In> {
  readonly calls: Calls<In>;
  readonly options?: SocketOptions;
}

/**
 * Takes over an accepted socket of `/websocket/offer`: waits for `start`, admits or refuses, and puts the page through.
 * Call it in the same tick as the upgrade, or the first message may be missed. Never throws.
 */
export function answerSocket<In>(socket: ServerSocket, { calls, options = {} }: AnswerSocketOptions<In>): void {
  new Handshake(socket, calls, options);
}
