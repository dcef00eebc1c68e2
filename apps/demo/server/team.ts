import { agent } from "repartee";
import { handoff } from "repartee";
import type { Agent } from "repartee";
import type { Epoch } from "repartee";
import { phrasesOf, type Rule, type RuleBook, type RulePage } from "repartee/rules";
import { benefits } from "./benefits.ts";
import { type Colleague, smallTalk } from "./colleague.ts";
import { hrManager } from "./hr-manager.ts";
import { itSupport } from "./it-support.ts";
import { Records } from "./records.ts";

/** The HR team of one caller. */
export interface HrTeam {
  /** Answers the call. */
  readonly first: Agent;
  readonly agents: readonly Agent[];
}

const staff: readonly Colleague[] = [hrManager, benefits, itSupport];

/** Puts the team together around a personnel file of its own. `today` tells the time of the call. */
export function hrTeam(today: () => Epoch): HrTeam {
  const records = new Records(today);
  const agents: Agent[] = staff.map((one) =>
    agent({
      ...one.agent,
      avatar: one.agent.name.slice(0, 1),
      tools: one.tools(records),
      phrases: phrasesOf(pageOf(one)),
      handoffs: others(one).map((other) => handoff(() => find(agents, other.agent.name), { say: farewell(other) })),
    }),
  );
  return { first: find(agents, hrManager.agent.name), agents };
}

/** What the team answers without a model. */
export function hrRules(): RuleBook {
  return Object.fromEntries(staff.map((one) => [one.agent.name, pageOf(one)]));
}

/** Everybody passes on what others know, so that no question meets the wrong ear. */
function pageOf(one: Colleague): RulePage {
  const passing = others(one).map((other): Rule => {
    const asked = `[(can I|could I|I want to|I would like to|let me)] (talk|speak) to ${other.calledFor}`;
    return {
      phrases: [
        asked,
        `(connect|transfer) me to ${other.calledFor}`,
        ...other.topics.flatMap(({ phrases }) => phrases),
      ],
      say: farewell(other),
      handoff: other.agent.name,
    };
  });
  const own = [...one.topics, ...(one.followUps ?? [])];
  return { rules: [...own, ...smallTalk(one), ...passing], hello: one.hello, about: one.about };
}

function others(one: Colleague): readonly Colleague[] {
  return staff.filter((other) => other !== one);
}

function farewell({ agent }: Colleague): string {
  return `Let me put you through to ${agent.name}, ${agent.role}.`;
}

function find(agents: readonly Agent[], name: string): Agent {
  const found = agents.find((one) => one.name === name);
  if (found === undefined) throw new TypeError(`the team must have somebody called ${name}`);
  return found;
}
