/*
 * Reads what a client writes into `session.update`, `client_secrets` and `calls`. Every member is checked before anything
 * is changed, so that a wrong update changes nothing. Members nobody knows are ignored; members of the beta protocol are
 * refused with their new name.
 */
import { isSafe } from "../safe.ts";
import { betaSessionMember } from "./beta.ts";
import { type Complaint, invalid, isRecord, missing } from "./complaint.ts";
import type { SessionPatch } from "./session.ts";

/** Undefined when the value is right. */
type Check = (value: unknown, path: string) => Complaint | undefined;

const oneOf =
  (...values: readonly unknown[]): Check =>
  (value, path) =>
    values.includes(value) ? undefined : invalid(path, values.map(String).join(", "), value);

const within =
  (least: number, most: number): Check =>
  (value, path) =>
    typeof value === "number" && value >= least && value <= most
      ? undefined
      : invalid(path, `a number from ${least} to ${most}`, value);

const text: Check = (value, path) => (typeof value === "string" ? undefined : invalid(path, "a string", value));
const flag: Check = (value, path) => (typeof value === "boolean" ? undefined : invalid(path, "true or false", value));
const anything: Check = () => undefined;

const texts: Check = (value, path) =>
  Array.isArray(value) && value.every((one) => typeof one === "string")
    ? undefined
    : invalid(path, "an array of strings", value);

const orNull =
  (check: Check): Check =>
  (value, path) =>
    value === null ? undefined : check(value, path);

/** An object with these members, all of them optional; others are ignored. */
const members =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value, path) => {
    if (!isRecord(value)) return invalid(path, "an object", value);
    for (const [name, check] of Object.entries(checks)) {
      if (value[name] === undefined) continue;
      const complaint = check(value[name], `${path}.${name}`);
      if (complaint !== undefined) return complaint;
    }
    return undefined;
  };

const needs =
  (name: string, then: Check): Check =>
  (value, path) =>
    isRecord(value) && value[name] === undefined ? missing(`${path}.${name}`) : then(value, path);

const format: Check = (value, path) => {
  const complaint = needs("type", members({ type: oneOf("audio/pcm", "audio/pcmu", "audio/pcma") }))(value, path);
  if (complaint !== undefined || !isRecord(value) || value["type"] !== "audio/pcm") return complaint;
  return value["rate"] === undefined ? undefined : oneOf(24_000)(value["rate"], `${path}.rate`);
};

const turns: Check = (value, path) => {
  const complaint = needs("type", members({ type: oneOf("server_vad", "semantic_vad") }))(value, path);
  if (complaint !== undefined) return complaint;
  return members({
    threshold: within(0, 1),
    prefix_padding_ms: within(0, 5_000),
    silence_duration_ms: within(0, 10_000),
    idle_timeout_ms: orNull(within(1_000, 300_000)),
    eagerness: oneOf("low", "medium", "high", "auto"),
    create_response: flag,
    interrupt_response: flag,
  })(value, path);
};

const transcription: Check = members({
  model: text,
  language: text,
  languages: texts,
  prompt: text,
  keywords: texts,
  delay: oneOf("minimal", "low", "medium", "high", "xhigh"),
});

const input: Check = members({
  format,
  noise_reduction: orNull(members({ type: oneOf("near_field", "far_field"), strength: within(0, 1) })),
  transcription: orNull(transcription),
  turn_detection: orNull(turns),
});

const voice: Check = (value, path) =>
  typeof value === "string" || (isRecord(value) && typeof value["id"] === "string")
    ? undefined
    : invalid(path, "the name of a voice, or an object with its id", value);

/** Checks of an output's members: a session has them, and so has a response of its own. */
export const outputMembers: Readonly<Record<string, Check>> = { format, voice };

const output: Check = members({ ...outputMembers, speed: within(0.25, 1.5) });

const modalities: Check = (value, path) =>
  Array.isArray(value) && value.length === 1 && (value[0] === "audio" || value[0] === "text")
    ? undefined
    : invalid(path, "exactly one of ['audio'] and ['text']", value);

const tools: Check = (value, path) => {
  if (!Array.isArray(value)) return invalid(path, "an array", value);
  for (const [index, tool] of value.entries()) {
    const here = `${path}[${index}]`;
    if (!isRecord(tool)) return invalid(here, "an object", tool);
    if (tool["type"] === "mcp") {
      if (typeof tool["server_label"] !== "string") return missing(`${here}.server_label`);
      continue;
    }
    if (tool["type"] !== "function") return invalid(`${here}.type`, "function or mcp", tool["type"]);
    if (isRecord(tool["function"])) return missing(`${here}.name`);
    const complaint = needs("name", members({ name: text, description: text, parameters: members({}) }))(tool, here);
    if (complaint !== undefined) return complaint;
  }
  return undefined;
};

const toolChoice: Check = (value, path) => {
  if (!isRecord(value)) return oneOf("none", "auto", "required")(value, path);
  if (value["type"] === "function") return needs("name", members({ name: text }))(value, path);
  if (value["type"] === "mcp") return needs("server_label", members({ server_label: text }))(value, path);
  return invalid(`${path}.type`, "function or mcp", value["type"]);
};

const outputTokens: Check = (value, path) => {
  if (value === "inf") return undefined;
  return Number.isInteger(value) ? within(1, 4096)(value, path) : invalid(path, "1 to 4096, or 'inf'", value);
};

const truncation: Check = (value, path) => {
  if (!isRecord(value)) return oneOf("auto", "disabled")(value, path);
  return needs(
    "retention_ratio",
    members({
      type: oneOf("retention_ratio"),
      retention_ratio: within(0, 1),
      token_limits: members({ post_instructions: within(0, 1_000_000) }),
    }),
  )(value, path);
};

const tracing: Check = (value, path) => (isRecord(value) ? undefined : oneOf("auto", null)(value, path));

/** Members that a session and a single response share. */
export const speakingMembers: Readonly<Record<string, Check>> = {
  instructions: text,
  output_modalities: modalities,
  tools,
  tool_choice: toolChoice,
  parallel_tool_calls: flag,
  reasoning: members({ effort: oneOf("minimal", "low", "medium", "high", "xhigh") }),
  max_output_tokens: outputTokens,
};

const voiceMembers: Check = members({
  ...speakingMembers,
  model: text,
  audio: members({ input, output }),
  truncation,
  tracing,
  include: orNull(texts),
  prompt: anything,
});

const transcriptionMembers: Check = members({ audio: members({ input }), include: orNull(texts) });

const wanted: readonly string[] = [
  ...Object.keys(speakingMembers),
  "type",
  "model",
  "audio",
  "truncation",
  "tracing",
  "include",
];

/** What to change in a session. `path` names the object in complaints: `session` by default. */
export function readSessionPatch(value: unknown, path = "session"): SessionPatch | Complaint {
  if (value === undefined) return missing(path);
  if (!isRecord(value)) return invalid(path, "an object", value);
  if (!isSafe(value)) return invalid(path, "at most 32 levels and no names of prototypes", value);
  const { type } = value;
  if (type === undefined) return missing(`${path}.type`);
  const old = betaSessionMember(value);
  if (old !== undefined) {
    return {
      fault: "beta-protocol",
      code: "unknown_parameter",
      param: `${path}.${old.name}`,
      why: `Unknown parameter: '${path}.${old.name}'. In the GA protocol: ${old.now}.`,
    };
  }
  if (type !== "realtime" && type !== "transcription")
    return invalid(`${path}.type`, "realtime or transcription", type);
  const complaint = (type === "realtime" ? voiceMembers : transcriptionMembers)(value, path);
  if (complaint !== undefined) return complaint;
  const known = Object.fromEntries(
    Object.entries(value).filter(([name, member]) => wanted.includes(name) && member !== undefined),
  );
  // Every member that is left was checked above.
  return known as SessionPatch;
}

/** Undefined when all of these members that are there are right. */
export function checkMembers(
  value: unknown,
  path: string,
  checks: Readonly<Record<string, Check>>,
): Complaint | undefined {
  return members(checks)(value, path);
}
