import { createSocket } from "node:dgram";

/**
 * Whether so many UDP ports of a range (both ends included) are free. Asked before the engine looks for one: when it
 * finds none it leaves its socket open.
 */
export async function hasFreePorts([first, last]: readonly [number, number], wanted: number): Promise<boolean> {
  let free = 0;
  for (let port = first; port <= last && free < wanted; port++) if (await isFree(port)) free += 1;
  return free >= wanted;
}

async function isFree(port: number): Promise<boolean> {
  const socket = createSocket("udp4");
  const free = await new Promise<boolean>((resolve) => {
    socket.once("error", () => resolve(false));
    socket.bind(port, () => resolve(true));
  });
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return free;
}
