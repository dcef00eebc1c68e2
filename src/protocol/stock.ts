/*
 * What a stock FastRTC page understands of what happens in a session. Its pages call JSON.parse on every message, so all
 * of it is JSON; they show a typing indicator from `pause_detected` to `response_starting`, so each turn gets each of the
 * three log lines exactly once, also when a reply has no audio or never comes.
 */
import type { AgentState, PageEvent } from "./page.ts";

/** Longest text that is not JSON and is echoed, in characters. */
const ECHO_LIMIT = 1024;

/** Translates events of one session for a stock page. */
export class StockPage {
  #turn: string | undefined;
  /** What the page was told about the current turn. */
  #told: "nothing" | "started" | "paused" | "answered" = "nothing";
  #thinking = false;

  /** The messages to send, as JSON text, in order; most events have none. */
  translate(event: PageEvent): readonly string[] {
    switch (event.type) {
      case "turn":
        return this.#onTurn(event.data.turnId, event.data.phase);
      case "agent_state":
        return this.#onAgent(event.data.state);
      case "error":
      case "warning":
        return [JSON.stringify({ type: event.type, message: event.message, data: event.message })];
      case "output":
        return ['{"type":"fetch_output","data":[]}'];
      case "send_input":
        return ['{"type":"send_input","data":[]}'];
      case "stopword":
        return ['{"type":"stopword","data":""}'];
      case "end_stream":
        return [...this.#answer(), '{"type":"end_stream","data":"Stream closed"}'];
      case "user_state":
      case "transcript":
      case "interrupted":
      case "tool":
      case "handoff":
      case "usage":
      case "turn_detection":
      case "limits":
        return [];
    }
  }

  #onTurn(turn: string, phase: "started" | "resumed" | "ended" | "answered"): readonly string[] {
    const out: string[] = [];
    if (turn !== this.#turn) {
      out.push(...this.#answer());
      this.#turn = turn;
      this.#told = "nothing";
    }
    if (this.#told === "nothing") {
      out.push(log("started_talking"));
      this.#told = "started";
    }
    if (phase === "ended" || phase === "answered") {
      if (this.#told === "started") {
        out.push(log("pause_detected"));
        this.#told = "paused";
      }
      if (phase === "answered") out.push(...this.#answer());
    }
    return out;
  }

  #onAgent(state: AgentState): readonly string[] {
    // A reply without audio goes from thinking straight back to listening.
    const answered = state === "speaking" || (this.#thinking && state !== "thinking");
    this.#thinking = state === "thinking";
    return answered ? this.#answer() : [];
  }

  /** Ends the typing indicator if it is on. */
  #answer(): readonly string[] {
    if (this.#told !== "paused") return [];
    this.#told = "answered";
    return [log("response_starting")];
  }
}

/** The echo of a text that is no JSON, or undefined when it is too long for one. */
export function echoOf(text: string): string | undefined {
  return text.length > ECHO_LIMIT ? undefined : log(`Server received: ${text}`);
}

function log(data: string): string {
  return JSON.stringify({ type: "log", data });
}
