/*
 * Two agents talk to each other: each says a line and passes the floor on. You listen, and may cut in with another topic.
 * Run it: npx repartee dev examples/two-agents.ts
 */
import { agent, converse, type Agent, type Llm, Stream } from "repartee";
import { flite } from "repartee/flite";
import { pipeline } from "repartee/pipeline";
import { pocketsphinx } from "repartee/pocketsphinx";

const topics = {
  tea: [
    "Tea is best early in the morning.",
    "I prefer it in the afternoon, with a biscuit.",
    "A biscuit? Never before dinner.",
    "Then we agree about the tea, and not about the biscuit.",
  ],
  trains: [
    "I like slow trains, because one sees more.",
    "I like fast ones, because one sees more places.",
    "More stations, you mean.",
    "Stations have tea, at least.",
  ],
};
const phrases = ["[let us|please] [talk about] (tea|trains)", "[please] stop"];

const ada: Agent = agent({
  name: "Ada",
  voice: "slt",
  instructions: "Say one line of the conversation, then pass the floor to Ben.",
  greeting: "We are Ada and Ben. Shall we talk about tea, or about trains?",
  handoffs: [() => ben],
  phrases,
});
const ben: Agent = agent({ ...ada, name: "Ben", voice: "rms", handoffs: [() => ada] });

/** In place of a model: the next line about what the caller has asked for, and the floor to the other one. */
const llm: Llm = async function* ({ brief, items }) {
  const said = items.filter((item) => item.kind === "message");
  const asked = said.findLastIndex(({ who }) => who === "caller");
  const lines = /trains/.test(said[asked]?.text ?? "") ? topics.trains : topics.tea;
  const next = said.length - 1 - asked;
  yield lines[next] ?? "What shall we talk about now?";
  if (next >= lines.length) return;
  yield { type: "tool-call", toolCallId: `pass_${items.length}`, toolName: brief.tools[0]?.name, input: {} };
};

const stt = pocketsphinx();
await stt.prepare(phrases);
const engine = pipeline({ stt, llm, tts: flite() });
export const stream = new Stream(converse(ada, { engine }), {
  page: { title: "Two agents", agents: [ada, ben].map(({ name }) => ({ name, tools: [] })) },
});
await stream.launch();
