import type { Duplex } from "node:stream";

/**
 * Answers an upgrade with a refusal, such as "403 Forbidden", and lets the socket go, whatever its peer does with its own
 * half of the connection.
 */
export function refuseUpgrade(socket: Duplex, status: string): void {
  guardUpgrade(socket);
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy());
}

/** Node hands sockets over without a listener of errors: a peer that resets the connection would end the process. */
export function guardUpgrade(socket: Duplex): void {
  socket.on("error", () => socket.destroy());
}
