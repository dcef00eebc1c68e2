/*
 * Every error code with what follows from it. `docs/errors.md` is generated from this table and tested against it.
 * `status`: HTTP. `close`: WebSocket close code. `cure`: what the reader can do, one sentence.
 */

/** Who has to act: the caller, the app built on repartee, a provider it uses, or repartee itself. */
export type Side = "caller" | "app" | "provider" | "library";

export interface CodeFacts {
  readonly side: Side;
  readonly retryable: boolean;
  readonly status: number;
  readonly close: number;
  readonly cure: string;
}

/** Every code an error of repartee can carry. */
export type Code =
  | "mic-denied"
  | "mic-not-found"
  | "mic-busy"
  | "mic-constraints"
  | "insecure-context"
  | "unsupported"
  | "assets-blocked"
  | "autoplay-blocked"
  | "bad-offer"
  | "bad-message"
  | "too-large"
  | "unauthorized"
  | "forbidden"
  | "unknown-session"
  | "session-exists"
  | "resume-expired"
  | "hung-up"
  | "interrupted"
  | "setup-timeout"
  | "agent-error"
  | "tool-failed"
  | "tool-timeout"
  | "guardrail"
  | "budget"
  | "time-limit"
  | "provider-auth"
  | "provider-config"
  | "provider-limit"
  | "provider-unavailable"
  | "provider-timeout"
  | "provider-expired"
  | "beta-protocol"
  | "concurrency-limit"
  | "rate-limited"
  | "overloaded"
  | "draining"
  | "server-unreachable"
  | "connection-lost"
  | "protocol"
  | "missing-peer"
  | "model-missing"
  | "config"
  | "stuck"
  | "closed"
  | "bug";

const row = (side: Side, retryable: boolean, status: number, close: number, cure: string): CodeFacts => ({
  side,
  retryable,
  status,
  close,
  cure,
});

/** What follows from each code. */
export const codes: Readonly<Record<Code, CodeFacts>> = {
  "mic-denied": row(
    "caller",
    false,
    400,
    1008,
    "Allow the microphone for this site in the browser's settings, or go on with text.",
  ),
  "mic-not-found": row("caller", false, 400, 1008, "Plug in a microphone, or go on with text."),
  "mic-busy": row("caller", true, 400, 1008, "Close the program that uses the microphone and try again."),
  "mic-constraints": row("caller", true, 400, 1008, "Ask for the microphone without exact constraints."),
  "insecure-context": row(
    "caller",
    false,
    400,
    1008,
    "Open the page over HTTPS or on localhost: browsers give no microphone elsewhere.",
  ),
  unsupported: row("caller", false, 501, 1003, "Use a transport, codec or browser feature that both sides have."),
  "assets-blocked": row(
    "caller",
    false,
    400,
    1008,
    "Allow worklets from your own origin in the Content-Security-Policy.",
  ),
  "autoplay-blocked": row(
    "caller",
    true,
    400,
    1008,
    "Press any button on the page: browsers play sound only after a gesture.",
  ),
  "bad-offer": row(
    "caller",
    false,
    422,
    1008,
    'Send {sdp, type: "offer", webrtc_id} with an SDP offer that has one audio section.',
  ),
  "bad-message": row("caller", false, 422, 1008, "Send the message in the documented form: see docs/wire.md."),
  "too-large": row("caller", false, 413, 1009, "Send less at once, or raise the limit in the configuration."),
  unauthorized: row("caller", false, 401, 1008, "Sign in and send the token."),
  forbidden: row("caller", false, 403, 1008, "Ask for a role that may do this."),
  "unknown-session": row("caller", false, 404, 1008, "Start a new session: this one has ended or never was."),
  "session-exists": row("caller", true, 409, 1008, "Use another id: a session with this one is alive."),
  "resume-expired": row("caller", false, 410, 1008, "Start a new session: the time to come back is over."),
  "hung-up": row("caller", false, 499, 1000, "Nothing to do: the caller ended the call."),
  interrupted: row("caller", false, 499, 1000, "Nothing to do: the caller took the floor back."),
  "setup-timeout": row(
    "caller",
    true,
    408,
    1008,
    "Check that UDP between browser and server is open, or use the WebSocket transport.",
  ),
  "agent-error": row("app", false, 500, 1011, "Look at the cause in the server's log: the handler or the agent threw."),
  "tool-failed": row("app", false, 500, 1011, "Look at the cause in the server's log: the tool threw."),
  "tool-timeout": row("app", true, 504, 1011, "Make the tool faster, or raise its timeoutMs."),
  guardrail: row("app", false, 422, 1008, "Nothing to do: a guardrail kept the text back."),
  budget: row("app", false, 402, 1008, "Raise the budget, or start again tomorrow."),
  "time-limit": row("app", false, 408, 1000, "Start a new session, or raise timeLimitMs."),
  "provider-auth": row("provider", false, 502, 1011, "Check the provider's API key."),
  "provider-config": row(
    "provider",
    false,
    502,
    1011,
    "Check model, voice and options against the provider's documentation.",
  ),
  "provider-limit": row("provider", true, 429, 1013, "Wait, or raise the provider's rate limit."),
  "provider-unavailable": row("provider", true, 503, 1013, "Try again; check the provider's status page."),
  "provider-timeout": row("provider", true, 504, 1013, "Try again; check the provider's status page."),
  "provider-expired": row("provider", true, 502, 1013, "Nothing to do: the session is opened anew."),
  "beta-protocol": row("provider", false, 502, 1011, "Move to the GA events: see docs/from-beta-realtime.md."),
  "concurrency-limit": row("library", true, 429, 1013, "Wait until a call ends, or raise concurrencyLimit."),
  "rate-limited": row("library", true, 429, 1013, "Send fewer requests."),
  overloaded: row("library", true, 503, 1013, "Try again in a moment, or add a server."),
  draining: row("library", true, 503, 1001, "Try again: the server is being replaced."),
  "server-unreachable": row("library", true, 503, 1013, "Check that the server runs and that its address is right."),
  "connection-lost": row("library", true, 503, 1006, "Check the network and start again."),
  protocol: row("library", false, 422, 1002, "Use versions of page and server that belong together."),
  "missing-peer": row("library", false, 501, 1011, "Install the package that the message names."),
  "model-missing": row("library", false, 501, 1011, "Run the command that the message names to fetch the model."),
  config: row("library", false, 500, 1011, "Correct the setting that the message names."),
  stuck: row("library", true, 500, 1011, "Start again, and report what the log says."),
  closed: row("library", false, 410, 1000, "Nothing to do: the session is over."),
  bug: row("library", false, 500, 1011, "Report it with the log: this is a fault in repartee."),
};
