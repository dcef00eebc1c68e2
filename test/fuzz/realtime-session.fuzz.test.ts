import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { scripted } from "../../src/engines/scripted/index.ts";
import { type Event, sessionOver } from "../fixtures/realtime-upstream.ts";

const events = [
  "input_audio_buffer.speech_started",
  "input_audio_buffer.speech_stopped",
  "input_audio_buffer.committed",
  "conversation.item.added",
  "conversation.item.input_audio_transcription.completed",
  "response.created",
  "response.output_item.added",
  "response.output_audio.delta",
  "response.output_audio_transcript.done",
  "response.output_item.done",
  "response.done",
  "session.updated",
] as const;

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom("speak" as const, "listen" as const),
      ms: fc.integer({ min: 1, max: 12 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom(
        "answer" as const,
        "say" as const,
        "type" as const,
        "cancel" as const,
        "heard" as const,
        "rebrief" as const,
        "result" as const,
      ),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("cut" as const, "expire" as const, "refuse" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom("drop" as const, "twice" as const, "half" as const),
      event: fc.constantFrom(...events),
    }),
  },
);

describe("a realtime session under anything", () => {
  it("neither hangs nor stays mute, ends every reply it began, and releases its timers", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 3, maxLength: 25 }),
        fc.integer({ min: 1, max: 1e6 }),
        async (steps, seed) => {
          const mind = scripted({
            hears: Array.from({ length: 60 }, (_, i) => `Line ${i}.`),
            replies: ({ index }) =>
              index % 4 === 3
                ? [{ call: "look" }]
                : [{ say: "An answer of some length." }, { wait: 300 }, { say: "And its end." }],
            charMs: 20,
          });
          const {
            session,
            speak,
            listen,
            events: told,
            up,
            clock,
          } = await sessionOver({ mind, seed, realtime: { audio: "pcmu" } });
          const plans: { readonly what: "drop" | "twice" | "half"; readonly event: string }[] = [];
          let refusals = 0;
          up.accept = (line) => {
            line.bend = (text) => {
              const { type } = JSON.parse(text) as Event;
              const at = plans.findIndex(({ event }) => event === type);
              const [plan] = at < 0 ? [] : plans.splice(at, 1);
              if (plan === undefined) return [text];
              return plan.what === "drop"
                ? []
                : plan.what === "twice"
                  ? [text, text]
                  : [text.slice(0, text.length >> 1)];
            };
            refusals -= 1;
            return refusals >= 0 ? 503 : undefined;
          };
          up.accept(up.line);
          const brief = {
            agent: "Ben",
            instructions: "You are Ben.",
            history: [],
            turns: "engine",
            tools: [],
            phrases: [],
          } as const;
          let ids = 0;
          for (const one of steps) {
            ids += 1;
            if (one.do === "speak") await speak(one.ms * 100);
            else if (one.do === "listen") await listen(one.ms * 200);
            else if (one.do === "answer") session.answer();
            else if (one.do === "say") session.say("A fixed text.");
            else if (one.do === "type")
              session.add({ id: `itm_${ids}`, at: 0, kind: "message", who: "caller", text: "Typed." });
            else if (one.do === "cancel") session.cancel();
            else if (one.do === "heard") {
              const item = told.findLast(({ event }) => event.type === "audio")?.event;
              session.cancel();
              session.heard({
                item: item?.type === "audio" ? item.frame.item : undefined,
                played: 120,
                dropped: 400,
                exact: true,
              });
            } else if (one.do === "rebrief") void session.rebrief(brief).catch(() => undefined);
            else if (one.do === "result") {
              const call = told.findLast(({ event }) => event.type === "call")?.event;
              if (call?.type === "call")
                session.add({ id: `itm_${ids}`, at: 0, kind: "result", call: call.id, output: "found", failed: false });
            } else if (one.do === "cut") up.line.cut();
            else if (one.do === "expire") up.line.cut(1001, "expired");
            else if (one.do === "refuse") refusals = Math.min(3, Math.max(0, refusals) + 1);
            else if ("event" in one) plans.push({ what: one.do, event: one.event });
          }
          plans.length = 0;
          refusals = 0;
          // Whatever watchdog is needed has its time; then the caller is heard and answered, or was told that it is over.
          await listen(50_000);
          const closed = (): boolean => told.some(({ event }) => event.type === "closed");
          const done = (): number =>
            told.filter(({ event }) => event.type === "reply" && event.phase === "done").length;
          const before = done();
          await speak(800);
          await listen(12_000);
          expect(closed() || done() > before).toBe(true);
          const replies = told.flatMap(({ event }) => (event.type === "reply" ? [event] : []));
          const open = new Set<string>();
          for (const { id, phase } of replies) {
            if (phase === "started") {
              expect(open.size).toBe(0);
              open.add(id);
            } else open.delete(id);
          }
          void session.close();
          await clock.advance(25_000);
          expect(clock.pending).toBe(0);
        },
      ),
      { numRuns: 60 },
    );
  }, 120_000);
});
