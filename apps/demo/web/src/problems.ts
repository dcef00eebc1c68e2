import type { Code, VoiceError } from "../../../../src/client/index.ts";

/** What the page says of an error, and what it offers to do. */
export interface Problem {
  readonly title: string;
  readonly text: string;
  /** The call would work without a microphone. */
  readonly typing: boolean;
}

const words: Partial<Readonly<Record<Code, readonly [title: string, text: string]>>> = {
  "mic-denied": [
    "The microphone is not allowed",
    "Click the icon left of the address, allow the microphone for this site, then start again. Or type instead of talking.",
  ],
  "mic-not-found": ["No microphone was found", "Plug one in and start again. Or type instead of talking."],
  "mic-busy": [
    "The microphone is in use",
    "Another program holds it. Close that program and start again, or type instead.",
  ],
  "mic-constraints": ["This microphone cannot be used", "Choose another one and start again, or type instead."],
  "insecure-context": [
    "Browsers give no microphone to this address",
    "Open the page over HTTPS, or on the machine itself at localhost. Typing works here too.",
  ],
  unsupported: [
    "This browser and this server do not fit",
    "The call needs WebRTC on both sides. Try a current browser.",
  ],
  unauthorized: ["You are not signed in", "Sign in again, then start."],
  "concurrency-limit": ["All lines are busy", "Wait until a call ends, then try again."],
  "rate-limited": ["Too many attempts", "Wait a moment, then try again."],
  overloaded: ["The server has too much to do", "Try again in a moment."],
  draining: ["The server is being replaced", "Try again in a moment."],
  "server-unreachable": ["The server does not answer", "Check that it is running and that you are online."],
  "connection-lost": [
    "The server is gone",
    "It stopped answering in the middle of the call. What was said is kept on this page.",
  ],
  "setup-timeout": ["No way through for sound", "The server answered, but no media arrived. A firewall may block UDP."],
  "agent-error": ["The agent failed", "Something went wrong on the server. Its log tells more."],
  "time-limit": ["Time is up", "Calls to this server have a time limit."],
  budget: ["The budget is spent", "Try again tomorrow, or raise the budget."],
};

export function problemOf(error: VoiceError): Problem {
  const [title, text] = words[error.code] ?? ["The call could not go on", `${error.message}. ${error.cure}`];
  const limit = error.meta["limit"];
  return {
    title,
    text:
      error.code === "concurrency-limit" && typeof limit === "number"
        ? `This server takes ${limit} at a time. ${text}`
        : text,
    typing: error.code.startsWith("mic-") || error.code === "insecure-context",
  };
}
