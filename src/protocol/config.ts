/*
 * `GET /config`: what a page has to know before it connects. It names no secret and needs no session. Like the events it
 * may be newer on either side: unknown members are ignored, missing lists are empty.
 */
import type { Fault } from "../base/errors.ts";
import { isRecord } from "./page.ts";

/** One agent as the page introduces it. `name` is also the id that `agent_state` and `handoff` use. */
export interface PageAgent {
  readonly name: string;
  /** What it does, one sentence. */
  readonly description?: string;
  /** As the speech parts call it. */
  readonly voice?: string;
  /** A picture's URL, or up to two characters; without it the page draws initials. */
  readonly avatar?: string;
  /** Names of its tools. */
  readonly tools: readonly string[];
}

/** What the page offers; all false when missing. */
export interface PageFeatures {
  /** Typed turns. */
  readonly text: boolean;
  /** The caller may talk over the agent. */
  readonly interrupt: boolean;
  /** Changing turn detection during the call. */
  readonly tuning: boolean;
}

/** Bounds the caller should know of; a missing one does not exist. */
export interface PageLimits {
  /** Calls at a time. */
  readonly concurrency?: number;
  readonly timeLimitMs?: number;
}

export interface PageConfig {
  readonly v: 1;
  readonly title: string;
  readonly subtitle?: string;
  /** The first one answers the call. */
  readonly agents: readonly PageAgent[];
  /** Speech parts in use, for people: "Silero, PocketSphinx, rules, flite". */
  readonly parts: string;
  /** Things one can say to try it out. */
  readonly suggestions: readonly string[];
  readonly features: PageFeatures;
  readonly limits: PageLimits;
}

/** Reads the answer of `GET /config`, already parsed from JSON. Returns a Fault for anything that is not one. Never throws. */
export function readPageConfig(json: unknown): PageConfig | Fault {
  if (!isRecord(json)) return bad("config must be an object");
  if (json["v"] !== 1) return bad(`config.v must be 1, got ${JSON.stringify(json["v"])}`);
  const features = isRecord(json["features"]) ? json["features"] : {};
  const limits = isRecord(json["limits"]) ? json["limits"] : {};
  const agents: PageAgent[] = [];
  for (const entry of list(json["agents"])) {
    const agent = readAgent(entry);
    if (agent === undefined) return bad("every one of config.agents must have a name");
    agents.push(agent);
  }
  return {
    v: 1,
    title: text(json["title"]) ?? "Repartee",
    ...optional("subtitle", text(json["subtitle"])),
    agents,
    parts: text(json["parts"]) ?? "",
    suggestions: list(json["suggestions"]).filter(isText),
    features: {
      text: features["text"] === true,
      interrupt: features["interrupt"] === true,
      tuning: features["tuning"] === true,
    },
    limits: {
      ...optional("concurrency", positive(limits["concurrency"])),
      ...optional("timeLimitMs", positive(limits["timeLimitMs"])),
    },
  };
}

function readAgent(json: unknown): PageAgent | undefined {
  if (!isRecord(json)) return undefined;
  const name = text(json["name"]);
  if (name === undefined) return undefined;
  return {
    name,
    ...optional("description", text(json["description"])),
    ...optional("voice", text(json["voice"])),
    ...optional("avatar", text(json["avatar"])),
    tools: list(json["tools"]).filter(isText),
  };
}

/** `{[key]: value}`, or nothing at all without a value: optional members are left out, not set to undefined. */
function optional<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [P in K]: V });
}

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const isText = (value: unknown): value is string => typeof value === "string" && value !== "";
const text = (value: unknown): string | undefined => (isText(value) ? value : undefined);
const positive = (value: unknown): number | undefined =>
  typeof value === "number" && value > 0 && value < Infinity ? value : undefined;

function bad(why: string): Fault {
  return { fault: "protocol", why };
}
