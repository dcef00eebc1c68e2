import { asVoiceError } from "../base/errors.ts";
import type { CallerMessage } from "../protocol/page.ts";
import type { Listener } from "../session/turns.ts";
import type { TurnEvent } from "../turn/events.ts";
import type { Reports } from "./reports.ts";
import type { Toolbox } from "./toolbox.ts";

/** What only the conversation itself can do about a message. */
export interface PageRequests {
  typed(text: string): void;
  interrupt(): void;
  reset(): void;
  /** A number is complete; called before the turn that it makes is answered. */
  digits(digits: string): void;
}

/** Reads what a page, or a telephone's keys, send during a conversation. */
export function onPageMessage(
  listener: Listener,
  toolbox: Toolbox,
  reports: Reports,
  requests: PageRequests,
): { onMessage(message: CallerMessage): void; onTurn(event: TurnEvent): void } {
  let digits = "";
  const tune = (policy: Readonly<Record<string, unknown>>): void => {
    try {
      listener.tune(policy);
    } catch (error) {
      const { code, message } = asVoiceError(error, "bad-message");
      reports.warning(code, message);
    }
  };
  return {
    onMessage: (message) => {
      switch (message.type) {
        case "text":
          requests.typed(message.text);
          return;
        case "interrupt":
          requests.interrupt();
          return;
        case "talk":
          listener.note({ type: "talk", down: message.phase === "start", cancel: message.phase === "cancel" });
          return;
        case "digit":
          if (message.digit !== "#") digits += message.digit;
          listener.note({ type: "digit", digit: message.digit });
          return;
        case "approve":
          toolbox.approve(message.callId, message.ok);
          return;
        case "tune":
          tune(message.policy);
          return;
        case "reset":
          requests.reset();
          return;
        case "inputs":
        case "mic":
        case "position":
        case "ping":
        case "stop":
        case "custom":
          return;
      }
    },
    // Told of a turn's end before the conversation is, so that the number is part of what is answered.
    onTurn: (event) => {
      if (event.type !== "ended" || event.why !== "digits" || digits === "") return;
      requests.digits(digits.split("").join(" "));
      digits = "";
    },
  };
}
