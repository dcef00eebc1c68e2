/*
 * Recogniser, model and voice, each streaming into the next; you may interrupt, and what you heard is what is remembered.
 * Runs without a key. With a model: OPENAI_BASE_URL=http://localhost:11434/v1 OPENAI_MODEL=llama3.2 (or OPENAI_API_KEY),
 * and OPENAI_STT_MODEL and OPENAI_TTS_MODEL for speech. Run it: npx repartee dev examples/voice-chat.ts
 */
import { agent, converse, Stream } from "repartee";
import { choose } from "repartee/local";
import { phrasesOf, type RulePage } from "repartee/rules";

/** What is understood where there is no model. */
const page: RulePage = {
  about: "Ask me about the moon, or what you have asked before.",
  rules: [
    { phrases: ["[please] tell me about the moon"], say: "The moon is far away. It takes three days to get there." },
    { phrases: ["how big is it"], say: "Its diameter is about a quarter of that of the earth." },
    {
      phrases: ["what did I ask [you]"],
      say: (_, { items }) => {
        const asked = items.filter((item) => item.kind === "message" && item.who === "caller");
        return `You have asked ${asked.length - 1} questions.`;
      },
    },
  ],
};

const luna = agent({
  name: "Luna",
  instructions: "You are Luna, on the telephone. Answer in one or two short sentences, without lists or symbols.",
  greeting: "Hello, this is Luna. What would you like to know?",
  phrases: phrasesOf(page),
});

const parts = await choose({ book: { Luna: page } });
await parts.warmUp(luna);
export const stream = new Stream(converse(luna, { engine: parts.engine }), {
  detector: parts.detector,
  page: { title: "Voice chat", agents: [{ name: "Luna", tools: [] }], parts: parts.describe },
});
await stream.launch();
