import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Sequencer, type SequencerAct, SILENT, UNANSWERED } from "./sequencer.ts";

const answer = { type: "answer" } as const;
const say = (text: string) => ({ type: "say", text }) as const;
const told = (acts: readonly SequencerAct[]): string[] =>
  acts.map((act) => {
    switch (act.type) {
      case "create":
        return `create ${act.eventId} ${act.ask.type === "say" ? act.ask.text : "answer"}`;
      case "cancel":
      case "abandoned":
        return `${act.type} ${act.response}`;
      case "refused":
        return `refused ${act.ask.type}`;
      case "deaf":
        return "deaf";
    }
  });

describe("the order of responses", () => {
  it("asks at once when nothing is under way, and for one at a time", () => {
    const s = new Sequencer();
    expect(told(s.request(answer, 0))).toEqual(["create rp_resp_1 answer"]);
    expect(told(s.request(say("Hello."), 0))).toEqual([]);
    s.created("a", 10);
    expect(told(s.request(say("Bye."), 20))).toEqual([]);
    expect(told(s.done("a", 30))).toEqual(["create rp_resp_2 Hello."]);
    s.created("b", 40);
    expect(told(s.done("b", 50))).toEqual(["create rp_resp_3 Bye."]);
  });

  it("merges asks for an answer, never texts", () => {
    const s = new Sequencer();
    s.created("vad", 0);
    for (const ask of [answer, answer, say("x"), answer, say("x")]) s.request(ask, 1);
    expect(s.waiting).toEqual([answer, say("x"), say("x")]);
  });

  it("lets an end release only the response it names", () => {
    const s = new Sequencer();
    s.created("a", 0);
    s.request(answer, 1);
    expect(told(s.done("b", 2))).toEqual([]);
    expect(s.state).toBe("active");
    expect(told(s.done("a", 3))).toEqual(["create rp_resp_1 answer"]);
  });

  it("knows the response that was asked for from one the provider began by itself", () => {
    const s = new Sequencer();
    s.request(say("x"), 0);
    s.created("a", 1);
    expect(s.ask).toEqual(say("x"));
    s.done("a", 2);
    s.created("b", 3);
    expect(s.ask).toBeUndefined();
  });

  it("asks again after the response that was in the way, when that did not see everything", () => {
    const s = new Sequencer();
    s.added();
    s.request(answer, 0);
    s.created("vad", 1);
    expect(told(s.refused("rp_resp_1", true, 2))).toEqual([]);
    expect(told(s.done("vad", 3))).toEqual(["create rp_resp_2 answer"]);
  });

  it("owes no answer that the response in the way gives already", () => {
    const s = new Sequencer();
    s.added();
    s.acknowledged();
    s.request(answer, 0);
    s.created("vad", 1);
    s.refused("rp_resp_1", true, 2);
    expect(told(s.done("vad", 3))).toEqual([]);
    expect(s.state).toBe("idle");
  });

  it("still says a text that was refused because of a response in the way", () => {
    const s = new Sequencer();
    s.request(say("Welcome."), 0);
    s.created("vad", 1);
    s.refused("rp_resp_1", true, 2);
    expect(told(s.done("vad", 3))).toEqual(["create rp_resp_2 Welcome."]);
  });

  it("waits for the end of a response that nobody saw begin", () => {
    const s = new Sequencer();
    s.request(answer, 0);
    s.refused("rp_resp_1", true, 1);
    expect(s.state).toBe("active");
    expect(told(s.done("unseen", 2))).toEqual(["create rp_resp_2 answer"]);
  });

  it("tells of a response that the provider refuses for another reason", () => {
    const s = new Sequencer();
    s.request(say("x"), 0);
    s.request(answer, 0);
    expect(told(s.refused("rp_resp_1", false, 1))).toEqual(["refused say", "create rp_resp_2 answer"]);
  });

  it("asks once more when nothing comes, then calls the provider deaf and keeps what waits", () => {
    const s = new Sequencer();
    s.request(answer, 0);
    s.request(say("x"), 0);
    expect(told(s.tick(UNANSWERED - 1))).toEqual([]);
    expect(told(s.tick(UNANSWERED))).toEqual(["create rp_resp_2 answer"]);
    expect(told(s.tick(UNANSWERED * 2))).toEqual(["deaf"]);
    expect(s.waiting).toEqual([answer, say("x")]);
  });

  it("takes a slow first answer for the answer, although it asked twice", () => {
    const s = new Sequencer();
    s.request(answer, 0);
    s.tick(UNANSWERED);
    s.created("a", UNANSWERED + 10);
    expect(told(s.refused("rp_resp_2", true, UNANSWERED + 20))).toEqual([]);
    expect(told(s.done("a", UNANSWERED + 30))).toEqual([]);
    expect(s.state).toBe("idle");
  });

  it("asks by itself when the provider should have answered and does not", () => {
    const s = new Sequencer();
    s.expect(0);
    expect(told(s.tick(UNANSWERED))).toEqual(["create rp_resp_1 answer"]);
    const t = new Sequencer();
    t.expect(0);
    t.created("vad", 100);
    t.done("vad", 200);
    expect(t.deadline).toBeUndefined();
  });

  it("cancels a response that falls silent, and goes on without its end if need be", () => {
    const s = new Sequencer();
    s.created("a", 0);
    s.seen("a", 1_000);
    s.request(answer, 2_000);
    expect(told(s.tick(SILENT))).toEqual([]);
    expect(told(s.tick(SILENT + 1_000))).toEqual(["cancel a"]);
    expect(told(s.tick(SILENT + 6_000))).toEqual(["abandoned a", "create rp_resp_1 answer"]);
  });

  it("takes a response for over when another one begins", () => {
    const s = new Sequencer();
    s.created("a", 0);
    expect(told(s.created("b", 1))).toEqual(["abandoned a"]);
    expect(s.active).toBe("b");
  });

  it("tries a failed response once more after a moment, and not twice", () => {
    const s = new Sequencer();
    s.request(answer, 0);
    s.created("a", 0);
    expect(s.mayRetry("a")).toBe(true);
    expect(told(s.done("a", 0, { again: true }))).toEqual([]);
    expect(told(s.tick(1_000))).toEqual(["create rp_resp_2 answer"]);
    s.created("b", 1_100);
    expect(s.mayRetry("b")).toBe(false);
  });

  it("forgets what waits on cancel, and cancels what begins too late", () => {
    const s = new Sequencer();
    s.request(answer, 0);
    s.request(say("x"), 0);
    expect(told(s.cancel(1))).toEqual([]);
    expect(s.waiting).toEqual([]);
    expect(told(s.created("a", 2))).toEqual(["cancel a"]);
    expect(told(s.done("a", 3))).toEqual([]);
  });

  it("gives up a cancelled request that is never answered, and then asks for what came after it", () => {
    const s = new Sequencer();
    expect(told(s.request(answer, 0))).toHaveLength(1);
    s.cancel(100);
    expect(told(s.request(answer, 200))).toEqual([]);
    expect(told(s.tick(5_000))).toHaveLength(1);
    expect(told(s.created("a", 5_100))).toEqual([]);
    expect(s.active).toBe("a");
  });

  it("leaves the cancelling to a provider that does it by itself", () => {
    const s = new Sequencer();
    s.created("a", 0);
    expect(told(s.cancel(1, { stops: true }))).toEqual([]);
    expect(s.mayRetry("a")).toBe(false);
  });

  it("never has two creates open, never loses a text, and always comes to rest, whatever the provider does", () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom("answer", "say", "expect") },
      { weight: 6, arbitrary: fc.constantFrom("created", "done", "refused", "busy", "tick", "failed") },
      { weight: 1, arbitrary: fc.constant("cancel") },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const s = new Sequencer();
        let now = 0;
        let responses = 0;
        const open = new Set<string>();
        /** What is open was cancelled: after its deadline nobody waits for it any more. */
        let unwanted = false;
        let live: string | undefined;
        const carry = (acts: readonly SequencerAct[]): void => {
          for (const act of acts) {
            if (act.type === "create") {
              // A second create may be open only for the same ask, after a timeout.
              open.add(act.eventId);
              expect(open.size).toBeLessThanOrEqual(2);
              expect(live).toBeUndefined();
            } else if (act.type === "abandoned") live = undefined;
            else if (act.type === "deaf") open.clear();
          }
        };
        for (const one of steps) {
          now += 100;
          const first = [...open][0];
          if (one === "answer") carry(s.request(answer, now));
          else if (one === "say") carry(s.request(say(`${now}`), now));
          else if (one === "expect") s.expect(now);
          else if (one === "created" && live === undefined) {
            live = `r${++responses}`;
            open.clear();
            unwanted = false;
            carry(s.created(live, now));
          } else if ((one === "done" || one === "failed") && live !== undefined) {
            const id = live;
            const again = one === "failed" && s.mayRetry(id);
            live = undefined;
            carry(s.done(id, now, { again }));
          } else if (one === "refused" && first !== undefined) {
            open.delete(first);
            if (open.size === 0) unwanted = false;
            carry(s.refused(first, false, now));
          } else if (one === "tick") {
            now = Math.max(now, s.deadline === undefined || !Number.isFinite(s.deadline.at) ? now : s.deadline.at);
            if (s.state === "requested" && unwanted) open.clear();
            if (open.size === 0) unwanted = false;
            carry(s.tick(now));
          } else if (one === "cancel") {
            unwanted = s.state === "requested";
            carry(s.cancel(now));
          }
        }
        // The provider goes quiet: a bounded number of ticks brings the machine to rest.
        let ticks = 0;
        while (s.deadline !== undefined && Number.isFinite(s.deadline.at) && ticks < 300) {
          ticks += 1;
          now = Math.max(now, s.deadline.at);
          const acts = s.tick(now);
          if (acts.some(({ type }) => type === "deaf")) break;
        }
        expect(ticks).toBeLessThan(300);
      }),
      { numRuns: 500 },
    );
  });
});
