/*
 * One way from the page to a session, whatever carries it. Its owner makes a new one for every attempt; nothing here is
 * ever used twice, and after `close` a link is silent.
 */
import type { VoiceError } from "../../base/errors.ts";
import type { NetStats } from "../types.ts";

export interface Link {
  readonly transport: "webrtc";
  /** Resolves with the session's id when messages and media can flow. Rejects with a VoiceError. */
  open(microphone: MediaStreamTrack): Promise<string>;
  /** Sends one text message; dropped when the link is not open. */
  send(text: string): void;
  /** Sends another microphone's voice from now on. */
  replace(microphone: MediaStreamTrack): Promise<void>;
  /** Where the speaker is on the stream of everything the server sent, as `position` reports it. */
  position(): number | undefined;
  /** Silences the agent at once, for what is still in the browser's buffers. */
  hush(): void;
  /** Tries again to play after the browser refused to. */
  play(): Promise<void>;
  stats(): Promise<NetStats>;
  /** Idempotent. */
  close(): void;
}

export interface LinkSink {
  /** The offer is answered, media is on its way. */
  answered(): void;
  message(text: string): void;
  /** The agent's voice, for analysers: the link itself plays it. */
  remote(stream: MediaStream): void;
  /** The browser plays sound, or refuses to. */
  blocked(blocked: boolean): void;
  /** The open link is gone. The last call. */
  lost(error: VoiceError): void;
}
