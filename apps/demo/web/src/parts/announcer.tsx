import type { VoiceSnapshot } from "../../../../../src/client/index.ts";
import { useSnapshot } from "../voice.ts";

/** Tells screen readers what changes around the call. What is said is not read out: the agent says it already. */
export function Announcer() {
  const text = useSnapshot(announce);
  return (
    <p className="hidden" role="status">
      {text}
    </p>
  );
}

function announce({ connection, mic, activeAgent }: VoiceSnapshot): string {
  switch (connection.state) {
    case "idle":
    case "failed":
      return "";
    case "connecting":
      return "Connecting";
    case "ended":
      return "The call has ended";
    case "connected": {
      const who = activeAgent === undefined ? "" : `, ${activeAgent} is on the line`;
      return `Connected${who}${mic.muted ? ", microphone muted" : ""}`;
    }
  }
}
