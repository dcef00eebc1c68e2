/*
 * A language model's place taken by rules: the same border, the same streams, the same calls and handoffs, no model. It
 * understands the phrases it was given and says so when it hears something else; it never guesses.
 */
import type { Brief, Item, Llm } from "../../agents/types.ts";
import { transferName } from "../../agents/handoff.ts";
import type { Session } from "../../session/types.ts";
import { type Intent, Intents } from "./intents.ts";
import { whatIsNew } from "./news.ts";

/** What the slots of a phrase hold, by their names. */
export type Slots = Readonly<Record<string, string>>;

/** What a rule may look at beside its slots. */
export interface RuleContext {
  readonly items: readonly Item[];
  readonly session: Session;
}

/** What to do when the caller says one of these phrases: say something, call a tool, or pass the caller on. */
export interface Rule {
  /** In the syntax of `parsePhrase`. */
  readonly phrases: readonly string[];
  /** Said at once; of several the next one each time. Beside a call or a handoff: said before it. */
  readonly say?: string | readonly string[] | ((slots: Slots, context: RuleContext) => string);
  readonly call?: RuleCall;
  /** The name of the colleague to pass the caller on to. */
  readonly handoff?: string;
}

export interface RuleCall {
  /** The tool's name. */
  readonly tool: string;
  /** Arguments made of the slots. Default: the slots themselves. */
  readonly args?: (slots: Slots, context: RuleContext) => object;
  /** What is made of the result. Default: the result, as it is. */
  readonly say?: (result: string, slots: Slots) => string;
  /** What is made of a failure. Default: an apology and the reason. */
  readonly failed?: (reason: string, slots: Slots) => string;
}

/** One agent's part of a rule book. */
export interface RulePage {
  readonly rules: readonly Rule[];
  /** Said when a caller is passed on to this agent; `about` follows when they bring no question. */
  readonly hello?: string;
  /** What one can ask, for re-prompts: "You can ask me about …". */
  readonly about: string;
}

/** Rules by the name of their agent. */
export type RuleBook = Readonly<Record<string, RulePage>>;

type Part =
  | { readonly type: "text-delta"; readonly text: string }
  | { readonly type: "tool-call"; readonly toolCallId: string; readonly toolName: string; readonly input: object };

/** An `Llm` that answers by rules. Throws VoiceError `config` for a malformed phrase. */
export function rules(book: RuleBook): Llm {
  const intents = new Map(Object.entries(book).map(([name, page]) => [name, new Intents(page.rules)]));
  return function rules({ brief, items, session }) {
    const page = book[brief.agent];
    const known = intents.get(brief.agent);
    if (page === undefined || known === undefined)
      throw new TypeError(`the rule book must have a page for ${brief.agent}`);
    return answer(page, known, brief, { items, session });
  };
}

/** All phrases of a page: what its agent expects to hear. */
export function phrasesOf({ rules }: RulePage): readonly string[] {
  return rules.flatMap(({ phrases }) => phrases);
}

/** For `pipeline({ reprompt })`: names what can be asked, and offers typing from the second time on. */
export function repromptOf(book: RuleBook): (ask: { readonly brief: Brief; readonly inARow: number }) => string {
  return ({ brief, inARow }) => {
    const about = book[brief.agent]?.about ?? "";
    if (inARow === 1) return `Sorry, I did not catch that. ${about}`.trim();
    return `Sorry, I still did not catch that. You can also type your question. ${about}`.trim();
  };
}

async function* answer(page: RulePage, intents: Intents, brief: Brief, context: RuleContext): AsyncGenerator<Part> {
  const { items } = context;
  const { results, question, isArrival } = whatIsNew(items);
  for (const result of results) yield* sentences(toldResult(page, intents, result));
  const intent = question === undefined ? undefined : intents.find(question);
  if (isArrival) {
    // The question came along: it is answered if it is one of ours, and never passed on a second time.
    const isOurs = intent !== undefined && intent.rule.handoff === undefined;
    yield* sentences(`${page.hello ?? ""} ${isOurs ? "" : page.about}`);
    if (isOurs) yield* act(intent, brief, context);
  } else if (intent !== undefined) {
    yield* act(intent, brief, context);
  } else if (question !== undefined) {
    yield* sentences(`Sorry, I cannot help with that. ${page.about}`);
  }
}

async function* act({ rule, slots }: Intent, brief: Brief, context: RuleContext): AsyncGenerator<Part> {
  const { items } = context;
  if (rule.say !== undefined) yield* sentences(textOf(rule.say, slots, context));
  const name = rule.call?.tool ?? (rule.handoff === undefined ? undefined : transferName(rule.handoff));
  if (name === undefined) return;
  // A colleague's tool may be spelled as its name is: `transfer_to_Ben`.
  const tool = brief.tools.find((one) => one.name.toLowerCase() === name.toLowerCase());
  if (tool === undefined) throw new TypeError(`${brief.agent} has no tool called ${name}`);
  // Unique in the conversation: the newest item has a random id.
  const toolCallId = `call_${name}_${items.at(-1)?.id ?? "first"}`;
  yield { type: "tool-call", toolCallId, toolName: tool.name, input: rule.call?.args?.(slots, context) ?? slots };
}

function toldResult(
  page: RulePage,
  intents: Intents,
  { name, question, output, failed }: ReturnType<typeof whatIsNew>["results"][number],
): string {
  const asked = question === undefined ? undefined : intents.find(question);
  const slots = asked?.slots ?? {};
  const call =
    asked?.rule.call?.tool === name ? asked.rule.call : page.rules.find((rule) => rule.call?.tool === name)?.call;
  if (failed) return call?.failed?.(output, slots) ?? `Sorry, that did not work: ${output}.`.replace(/\.+$/, ".");
  return call?.say?.(output, slots) ?? output;
}

function textOf(say: NonNullable<Rule["say"]>, slots: Slots, context: RuleContext): string {
  if (typeof say === "string") return say;
  if (typeof say === "function") return say(slots, context);
  const spoken = context.items.filter((item) => item.kind === "message" && item.who === "agent").length;
  return say[spoken % say.length] ?? "";
}

/** As a model would stream it, in larger steps. */
function* sentences(text: string): Generator<Part> {
  for (const sentence of text.split(/(?<=[.!?])\s+/))
    if (sentence !== "") yield { type: "text-delta", text: `${sentence} ` };
}
