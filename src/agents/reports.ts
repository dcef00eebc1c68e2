/*
 * What the page is told of a conversation. Remembers what it was told, so that nothing is said twice: states and heard
 * positions change many times a second, the page wants to know of the few changes that can be seen.
 */
import type { AgentState, PageEvent } from "../protocol/page.ts";
import type { Heard, Session } from "../session/types.ts";
import type { TurnTimes } from "../session/latency.ts";
import type { VoiceError } from "../base/errors.ts";
import type { SpokenLine } from "./spoken.ts";

type ToolReport = Extract<PageEvent, { type: "tool" }>["data"];

/** Tells one page. */
export class Reports {
  readonly #session: Session;
  readonly #states = new Map<string, AgentState>();
  #speaking = false;
  #turn: string | undefined;
  #heard: { readonly id: string; readonly chars: number } | undefined;

  constructor(session: Session) {
    this.#session = session;
  }

  /** The agent on the line does this; every other one is idle. */
  agent(id: string, state: AgentState): void {
    for (const other of this.#states.keys()) if (other !== id) this.#state(other, "idle");
    this.#state(id, state);
  }

  caller(speaking: boolean): void {
    if (speaking === this.#speaking) return;
    this.#speaking = speaking;
    this.#session.tell({ type: "user_state", data: { speaking } });
  }

  turn(turnId: string, phase: "started" | "resumed" | "ended", why?: string): void {
    this.#turn = turnId;
    this.#session.tell({ type: "turn", data: { turnId, phase, ...(why !== undefined && { why }) } });
  }

  answered(turnId: string, { parts, totalMs }: TurnTimes): void {
    this.#session.tell({ type: "turn", data: { turnId, phase: "answered", parts, totalMs } });
  }

  callerSaid(
    id: string,
    text: string,
    { final, rejected = false }: { readonly final: boolean; readonly rejected?: boolean },
  ): void {
    this.#session.tell({
      type: "transcript",
      data: { id, role: "user", text, final, ...this.#turnId(), ...(rejected && { rejected }) },
    });
  }

  /** An agent's line as it stands. */
  agentSaid(line: SpokenLine): void {
    const heardChars = this.#heard?.id === line.id ? this.#heard.chars : 0;
    this.#line(line.id, line.agent, line.text, line.complete, heardChars);
  }

  /** How far the caller has heard a line. */
  heard(line: SpokenLine, played: number): void {
    const chars = line.heardChars(played);
    if (chars === (this.#heard?.id === line.id ? this.#heard.chars : 0)) return;
    this.#heard = { id: line.id, chars };
    this.#line(line.id, line.agent, line.text, line.complete, chars);
  }

  /** A line was taken back after `heardText`. */
  cut(id: string, agent: string, heardText: string, unheard: string): void {
    const text = unheard === "" ? heardText : `${heardText} ${unheard}`.trim();
    this.#line(id, agent, text, true, heardText.length);
  }

  interrupted({ item, played }: Heard, heardText: string): void {
    const itemId = item === undefined ? {} : { itemId: item };
    this.#session.tell({
      type: "interrupted",
      data: { ...this.#turnId(), ...itemId, heardMs: Math.round(played), heardText },
    });
  }

  tool(report: ToolReport): void {
    this.#session.tell({ type: "tool", data: report });
  }

  handoff(to: string, from: string | undefined): void {
    this.#session.tell({ type: "handoff", data: { to, ...(from !== undefined && { from }) } });
  }

  usage(data: Readonly<Record<string, unknown>>): void {
    this.#session.tell({ type: "usage", data });
  }

  warning(code: string, message: string): void {
    this.#session.tell({ type: "warning", message, data: { code, fatal: false } });
  }

  error(error: VoiceError): void {
    const message = error.expose ? error.message : "Something went wrong on the server.";
    this.#session.tell({ type: "error", message, data: { code: error.code, fatal: error.fatal } });
  }

  #line(id: string, agentId: string, text: string, final: boolean, heardChars: number): void {
    this.#session.tell({
      type: "transcript",
      data: { id, role: "agent", agentId, text, final, heardChars, ...this.#turnId() },
    });
  }

  #state(id: string, state: AgentState): void {
    if (this.#states.get(id) === state) return;
    this.#states.set(id, state);
    this.#session.tell({ type: "agent_state", data: { id, state } });
  }

  #turnId(): { readonly turnId?: string } {
    return this.#turn === undefined ? {} : { turnId: this.#turn };
  }
}
