/*
 * Every part made here: a detector that hears loudness, a recogniser for which "over" ends the turn, as on the radio, a
 * model that is a function, and a voice that only knows Morse code. Run it: npx repartee dev examples/own-parts.ts
 */
import { agent, converse, type DetectorMaker, type Llm, silence, Stream, type Stt, type Tts } from "repartee";
import { pipeline } from "repartee/pipeline";
import { pocketsphinx } from "repartee/pocketsphinx";

const loudness: DetectorMaker = (rate) => ({
  rate,
  window: Math.round(rate * 0.032),
  push: (samples) => Math.min(1, 30 * Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length)),
  reset: () => {},
});

const words = pocketsphinx();
const radio: Stt = {
  name: "radio",
  rate: words.rate,
  can: { ...words.can, turns: true },
  async *listen(audio, ask) {
    for await (const heard of words.listen(audio, ask)) {
      yield { ...heard, likelyEnd: heard.text.endsWith("over") ? 1 : 0.01 };
    }
  },
};

const operator: Llm = ({ items }) => {
  const last = items.findLast((item) => item.kind === "message");
  return /position/.test(last?.text ?? "") ? "SOS" : "OK";
};

const code: Readonly<Record<string, string>> = { S: "...", O: "---", K: "-.-" };
const morse: Tts = {
  name: "morse",
  rate: 16_000,
  can: { input: "piece", words: false, abortable: true },
  async *speak(text) {
    for await (const piece of text) {
      const marks = piece.split("").flatMap((letter) => [...(code[letter] ?? ""), " "]);
      for (const mark of marks) yield beep({ ".": 80, "-": 240 }[mark] ?? 0);
    }
  },
};
/** A tone of 700 Hz and the silence after it. */
function beep(ms: number): ReturnType<typeof silence> {
  const frame = silence(ms + 80, 16_000);
  for (let i = 0; i < ms * 16; i++) frame.samples[i] = 9_000 * Math.sin((2 * Math.PI * 700 * i) / 16_000);
  return frame;
}

const phrases = ["what is your position [over]", "do you hear me [over]"];
await words.prepare(phrases);
const engine = pipeline({ stt: radio, llm: operator, tts: morse });
const turns = { adaptive: { minMs: 100, maxMs: 6_000, curve: 1 } };
export const stream = new Stream(converse(agent({ name: "Radio", instructions: "", phrases }), { engine, turns }), {
  detector: loudness,
});
await stream.launch();
