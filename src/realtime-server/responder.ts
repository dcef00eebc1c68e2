/*
 * A model's place taken by rules that fit any session: it knows nothing but the client's tools. What names a tool calls it,
 * what a tool answered is said, a greeting is greeted, and anything else is repeated. It never guesses.
 *
 *   "what is the weather in Paris"  +  get_weather {city: string}   ─▶ get_weather {"city":"Paris"}
 *   "turn on the kitchen light"     +  turn_on {room: kitchen|hall} ─▶ turn_on {"room":"kitchen"}
 */
import type { Brief, Item, Llm } from "../agents/types.ts";
import { isRecord } from "../protocol/openai/complaint.ts";

type ToolShape = Brief["tools"][number];

type Part =
  | { readonly type: "text-delta"; readonly text: string }
  | { readonly type: "tool-call"; readonly toolCallId: string; readonly toolName: string; readonly input: object };

/** Words that name no tool. */
const COMMON = new Set(
  "a an and the of to for in on at is it my me you i do does what which who how can could would please get set tool this that with".split(
    " ",
  ),
);
const GREETING = /^(hello|hi|hey|good (morning|afternoon|evening))\b/i;
const FAREWELL = /^(goodbye|bye|good night)\b/i;

/** Tools and choices a recogniser is told of: a grammar costs memory and time. */
const MOST_TOOLS = 64;
const MOST_CHOICES = 100;

/** Said by every caller of every session. */
const USUAL: readonly string[] = [
  "hello [there]",
  "hi [there]",
  "good (morning|afternoon|evening)",
  "goodbye",
  "thank you [very much]",
  "yes [please]",
  "no [thank you]",
  "what can you do",
  "help [me]",
  "stop",
];

/** An `Llm` that works with any client's session. */
export function responder(): Llm {
  return function responder({ brief, items }) {
    return answer(brief, items);
  };
}

/** What callers can say to a session with these tools, for the embedded recogniser. */
export function phrasesFor(
  tools: readonly { readonly name?: string; readonly parameters?: object }[],
): readonly string[] {
  return [...USUAL, ...tools.slice(0, MOST_TOOLS).flatMap((tool) => phrasesOf(tool.name ?? "", tool.parameters))];
}

async function* answer(brief: Brief, items: readonly Item[]): AsyncGenerator<Part> {
  const results = resultsAtEnd(items);
  if (results.length > 0) {
    for (const { output } of results) yield text(spokenResult(output));
    return;
  }
  const question = items.findLast((item) => item.kind === "message" && item.who === "caller");
  const spoken = items.findLast((item) => item.kind === "message" && item.who !== "system");
  if (question?.kind !== "message" || spoken?.id !== question.id) {
    yield text(question === undefined ? "Hello. How can I help you?" : "I am still here. What else can I do for you?");
    return;
  }
  const said = question.text.trim();
  const tool = toolFor(said, brief.tools);
  if (tool !== undefined) {
    yield {
      type: "tool-call",
      toolCallId: `call_${question.id}`.slice(0, 64),
      toolName: tool.name,
      input: argumentsFor(said, tool),
    };
  } else if (GREETING.test(said)) yield text("Hello. How can I help you?");
  else if (FAREWELL.test(said)) yield text("Goodbye.");
  else if (/what can you do|^help\b/i.test(said)) yield text(abilities(brief.tools));
  else yield text(`You said: ${said.replace(/[.!?]*$/, "")}.`);
}

/** Results that nothing was said about yet, oldest first. */
function resultsAtEnd(items: readonly Item[]): readonly Extract<Item, { kind: "result" }>[] {
  const results: Extract<Item, { kind: "result" }>[] = [];
  for (const item of items.toReversed()) {
    if (item.kind === "result") results.unshift(item);
    else if (item.kind !== "call") break;
  }
  return results;
}

/** The tool whose own words are said: all words of its name, or at least one that no other tool has. */
function toolFor(said: string, tools: readonly ToolShape[]): ToolShape | undefined {
  const words = new Set(wordsOf(said));
  let best: ToolShape | undefined;
  let most = 0;
  for (const tool of tools) {
    const own = wordsOf(tool.name).filter((word) => !COMMON.has(word));
    const found = own.filter((word) => words.has(word) || words.has(`${word}s`)).length;
    const score = own.length === 0 ? 0 : found / own.length;
    if (score > most && score >= 0.5) {
      best = tool;
      most = score;
    }
  }
  return best;
}

/** Fills what the tool wants from what was said: choices by name, numbers by numerals, texts by what follows "in", "to", "for". */
function argumentsFor(said: string, { parameters }: ToolShape): object {
  const args: Record<string, unknown> = {};
  const numbers = [...said.matchAll(/-?\d+(\.\d+)?/g)].map(([number]) => Number(number));
  const rest = /\b(?:in|to|for|of|about|named|called)\s+(?:the\s+)?([\p{L}\d][\p{L}\d' -]*)/iu.exec(said)?.[1];
  for (const [name, schema] of propertiesOf(parameters)) {
    const choices = Array.isArray(schema["enum"]) ? schema["enum"].map(String) : [];
    const choice = choices.find((one) => said.toLowerCase().includes(one.toLowerCase()));
    if (choice !== undefined) args[name] = choice;
    else if (schema["type"] === "number" || schema["type"] === "integer") {
      const number = numbers.shift();
      if (number !== undefined) args[name] = number;
    } else if (schema["type"] === "boolean") args[name] = !/\b(not|off|no)\b/i.test(said);
    else if (schema["type"] === "string" && choices.length === 0) args[name] = (rest ?? said).trim();
  }
  return args;
}

/** "get_weather" with a city of three: "[…] weather [in <city:Paris|Rome|Oslo>]". */
function phrasesOf(name: string, parameters: unknown): readonly string[] {
  const words = wordsOf(name).filter((word) => /^[a-z]+$/.test(word));
  if (words.length === 0) return [];
  const slots = propertiesOf(parameters).flatMap(([key, schema]) => {
    const choices = Array.isArray(schema["enum"])
      ? schema["enum"]
          .filter((one) => typeof one === "string" && /^[a-z ]*[a-z][a-z ]*$/i.test(one))
          .slice(0, MOST_CHOICES)
      : [];
    if (choices.length > 0) return [`[(in|to|for|the)] [<${slotNameOf(key)}:${choices.join("|")}>]`];
    return schema["type"] === "number" || schema["type"] === "integer" ? ["[<number>]"] : [];
  });
  const own = words.filter((word) => !COMMON.has(word));
  const tail = slots.join(" ");
  return [...new Set([words.join(" "), `what is the ${own.join(" ")}`, `[please] ${own.join(" ")}`])]
    .filter((phrase) => !phrase.endsWith(" ") && own.length > 0)
    .map((phrase) => `${phrase} ${tail}`.trim());
}

/** JSON is read out as its values; anything else as it is. */
function spokenResult(output: string): string {
  let value: unknown;
  try {
    value = JSON.parse(output);
  } catch {
    value = output;
  }
  const words = valuesOf(value).join(", ");
  return words === "" ? "Done." : `${words.replace(/[.!?]*$/, "")}.`;
}

function valuesOf(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(valuesOf);
  if (isRecord(value))
    return Object.entries(value).flatMap(([name, one]) =>
      valuesOf(one).map((text) => `${wordsOf(name).join(" ")} ${text}`),
    );
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? [String(value)] : [];
}

function abilities(tools: readonly ToolShape[]): string {
  if (tools.length === 0) return "I repeat what you say. Give the session tools, and I will call them.";
  return `You can ask me for ${tools.map(({ name }) => wordsOf(name).join(" ")).join(", or ")}.`;
}

function propertiesOf(parameters: unknown): readonly (readonly [string, Readonly<Record<string, unknown>>])[] {
  const properties = isRecord(parameters) ? parameters["properties"] : undefined;
  if (!isRecord(properties)) return [];
  return Object.entries(properties).flatMap(([name, schema]) => (isRecord(schema) ? [[name, schema] as const] : []));
}

/** A slot is named in letters and digits; which ones does not matter here. */
function slotNameOf(key: string): string {
  return key.replaceAll(/[^a-z\d]/gi, "") || "choice";
}

/** "getWeather", "get_weather" and "Get the weather" have the same words. */
function wordsOf(name: string): readonly string[] {
  return name
    .replaceAll(/([a-z\d])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== "");
}

function text(words: string): Part {
  return { type: "text-delta", text: words };
}
