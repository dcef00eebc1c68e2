import type { Agent, Tool } from "repartee";
import type { Rule } from "repartee/rules";
import type { Records } from "./records.ts";

/** One member of the team before it is put together: who they are, and what they answer themselves. */
export interface Colleague {
  readonly agent: Pick<Agent, "name" | "instructions"> & {
    readonly role: string;
    readonly voice: string;
    readonly greeting: string;
  };
  /** What they can do, on the file of one caller. */
  tools(records: Records): readonly Tool[];
  /** What they know. Others pass these questions on to them. */
  readonly topics: readonly Rule[];
  /** Answers to their own questions, which mean nothing to the others. */
  readonly followUps?: readonly Rule[];
  /** How callers ask for them: "benefits", "I T support". */
  readonly calledFor: string;
  readonly hello: string;
  readonly about: string;
}

/** What everybody answers. */
export function smallTalk({ agent, about }: Colleague): readonly Rule[] {
  return [
    {
      phrases: ["hello", "good (morning|afternoon|evening)", "hi there"],
      say: [`Hello! ${about}`, "Hello again. What can I do for you?"],
    },
    { phrases: ["what can (you do|I ask [you])", "help [me]", "what do you do"], say: about },
    { phrases: ["who are you", "what is your name", "who am I talking to"], say: `I am ${agent.name}, ${agent.role}.` },
    {
      phrases: ["thank you [very much|so much]", "thanks [a lot]", "that is (all|it)", "great"],
      say: ["You are welcome. Is there anything else?", "My pleasure. Anything else?"],
    },
    {
      phrases: ["(yes|no|okay|yeah|right|I see) [please|thanks|thank you]"],
      say: ["All right. What else can I do for you?", "Good. Is there anything else?"],
    },
    { phrases: ["(stop|wait|hold on)"], say: "All right, I am listening." },
    {
      phrases: ["goodbye", "bye bye", "see you [later]", "have a (nice|good) day"],
      say: "Goodbye, and have a good first week!",
    },
    {
      phrases: ["(can you|could you) (repeat that|say that again)", "say that again", "what did you say"],
      say: (_slots, { items }) => {
        const last = items.findLast((item) => item.kind === "message" && item.who === "agent");
        return last?.kind === "message" ? last.text : "I have not said anything yet.";
      },
    },
  ];
}
