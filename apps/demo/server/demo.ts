/*
 * The demo: an HR team that welcomes a new employee, on embedded parts. Exports what `repartee serve` needs; nothing is
 * loaded before `openDemo` is called.
 */
import { converse } from "repartee";
import type { Handler } from "repartee";
import { embedded } from "repartee/local";
import type { PageConfig } from "repartee";
import type { DetectorMaker } from "repartee";
import { type HrTeam, hrRules, hrTeam } from "./team.ts";

export interface Demo {
  readonly handler: Handler;
  readonly detector: DetectorMaker;
  /** What the page shows before a call. */
  readonly page: Pick<PageConfig, "title" | "subtitle" | "agents" | "parts" | "suggestions" | "features">;
  /** Starts the workers, so that the first caller does not wait for them. */
  warmUp(): Promise<void>;
  close(): Promise<void>;
}

/** Wires the demo. Fails as `embedded` does. */
export async function openDemo(): Promise<Demo> {
  const parts = await embedded({ book: hrRules() });
  const shown = hrTeam(() => Date.now());
  return {
    handler: converse(
      (session) =>
        chosen(
          hrTeam(() => session.clock.wall()),
          session.call.agent,
        ),
      {
        engine: parts.engine,
        filler: { text: "One moment, please.", afterMs: 1_200 },
      },
    ),
    detector: parts.detector,
    page: {
      title: "Repartee",
      subtitle: "Your first week: ask the HR team",
      agents: shown.agents.map(({ name, role, voice, avatar, tools }) => ({
        name,
        ...(role !== undefined && { description: role }),
        ...(voice !== undefined && { voice }),
        ...(avatar !== undefined && { avatar }),
        tools: tools.map((tool) => tool.name),
      })),
      parts: parts.describe,
      suggestions: [
        "How many vacation days do I have?",
        "Book Friday off",
        "What happens on Monday?",
        "Does the plan cover braces?",
        "What if I pay five percent?",
        "I need a new laptop",
        "Reset my email password",
        "Can I talk to benefits?",
      ],
      features: { text: true, interrupt: true, tuning: true },
    },
    warmUp: () => parts.warmUp(shown.first),
    close: () => parts.close(),
  };
}

/** The agent that the page asked for, if there is one of that name. */
function chosen({ first, agents }: HrTeam, name: string | undefined): HrTeam["first"] {
  return agents.find((one) => one.name === name) ?? first;
}
