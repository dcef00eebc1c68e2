import { useSnapshot, useVoice } from "../voice.ts";

/** What the caller should know and can do something about, above the conversation. */
export function Hints() {
  const client = useVoice();
  const blocked = useSnapshot(({ audioBlocked }) => audioBlocked);
  const hint = useSnapshot(({ mic }) => mic.hint);
  const weak = useSnapshot(({ net }) => (net.lossPct ?? 0) >= 5 || (net.rttMs ?? 0) >= 300);
  if (blocked) {
    return (
      <div className="hint" role="alert">
        The browser holds the sound back.
        <button type="button" className="button small primary" onClick={() => void client.unlockAudio()}>
          Tap to hear
        </button>
      </div>
    );
  }
  if (hint === "silent")
    return <Hint text="We can’t hear you. Is the right microphone chosen, and is it switched on?" />;
  if (hint === "system-muted") return <Hint text="Your system has muted the microphone." />;
  if (weak) return <Hint text="The network is weak: words may be missing." />;
  return null;
}

function Hint({ text }: { readonly text: string }) {
  return (
    <div className="hint" role="status">
      {text}
    </div>
  );
}
