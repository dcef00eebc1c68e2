/*
 * A handler in FastRTC's form, a class with `receive` and `emit`, ported line by line: it says back what it heard, two
 * seconds later. Run it: npx repartee dev examples/ported-handler.ts
 */
import { type AudioFrame, receiveEmit, type ReceiveEmit, Stream } from "repartee";

const DELAY_MS = 2_000;

class DelayedEcho implements ReceiveEmit {
  #frames: AudioFrame[] = [];
  #heard = 0;

  startUp(): void {
    console.log("a caller is here");
  }
  receive(frame: AudioFrame): void {
    this.#frames.push(frame);
    this.#heard = frame.at;
  }
  emit(): AudioFrame | undefined {
    const next = this.#frames[0];
    return next !== undefined && this.#heard - next.at >= DELAY_MS ? this.#frames.shift() : undefined;
  }
  shutdown(): void {
    console.log("the caller is gone");
  }
}

export const stream = new Stream(receiveEmit(() => new DelayedEcho()));
await stream.launch();
