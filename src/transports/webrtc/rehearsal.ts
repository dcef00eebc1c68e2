import { isFault } from "../../base/errors.ts";
import { silentLog } from "../../base/log.ts";
import type { Clock } from "../../base/time.ts";
import { readOffer } from "../../protocol/sdp.ts";
import { Opus } from "./opus.ts";
import { Peer, type PeerEvents } from "./peer.ts";

/** A machine on which this takes longer has other worries than its first caller. */
const LONGEST_MS = 5000;

/**
 * Connects a call to itself once. Handshake, SRTP and codec are compiled then, and their tables made: without it the
 * first caller of a process waits half a second longer than all others (bench/connect.ts). Never rejects.
 */
export async function rehearse(clock: Clock): Promise<void> {
  let done = (): void => {};
  const over = new Promise<void>((resolve) => {
    done = resolve;
  });
  const events: PeerEvents = {
    connected: () => {},
    rtp: () => {},
    channel: () => {},
    text: () => {},
    closed: () => done(),
  };
  const options = { clock, log: silentLog };
  const called = new Peer("called", options, { ...events, text: () => done() });
  const calling = new Peer("calling", options, { ...events, channel: () => void calling.sendText("{}") });
  const stop = clock.at(clock.now() + LONGEST_MS, done);
  try {
    const offer = await calling.offer();
    const shape = readOffer(offer);
    if (isFault(shape)) return;
    await calling.accept(await called.answer(offer, shape));
    const opus = await Opus.create(24_000);
    opus.decode(opus.encode(new Int16Array(480)));
    opus.free();
    await over;
  } catch {
    // A machine without a network: the first real caller will say so.
  } finally {
    stop();
    await Promise.all([calling.close(), called.close()]);
  }
}
