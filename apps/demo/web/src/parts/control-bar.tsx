import { type FormEvent, type RefObject, useState } from "react";
import { useLevel, useSnapshot, useVoice } from "../voice.ts";
import { Icon } from "./icon.tsx";

interface ControlBarProps {
  readonly textRef: RefObject<HTMLInputElement | null>;
  readonly panelOpen: boolean;
  readonly onPanel: () => void;
}

/** What the caller does during a call: talk, type, look at the figures, hang up. */
export function ControlBar({ textRef, panelOpen, onPanel }: ControlBarProps) {
  const client = useVoice();
  const text = useSnapshot(({ config }) => config?.features.text !== false);
  return (
    <div className="bar">
      <Suggestions />
      <div className="bar-row">
        <MicButton />
        {text && <TextBox textRef={textRef} />}
        <button
          type="button"
          className="button icon-only panel-toggle"
          onClick={onPanel}
          aria-expanded={panelOpen}
          aria-label="Measurements"
        >
          <Icon name="chart" />
        </button>
        <button type="button" className="button end" aria-label="End the call" onClick={() => client.disconnect()}>
          <Icon name="end" /> <span className="label">End</span>
        </button>
      </div>
    </div>
  );
}

function MicButton() {
  const client = useVoice();
  const mic = useSnapshot(({ mic }) => mic);
  const ref = useLevel<HTMLButtonElement>("input", mic.state === "on" && !mic.muted);
  if (mic.state !== "on") return <span className="chip">text only</span>;
  return (
    <button
      ref={ref}
      type="button"
      className={mic.muted ? "button mic" : "button mic on"}
      aria-pressed={!mic.muted}
      aria-label={mic.muted ? "Microphone off" : "Microphone on"}
      onClick={() => client.setMuted(!mic.muted)}
      title="Mute or unmute (M)"
    >
      <Icon name={mic.muted ? "mic-off" : "mic"} />
      <span className="label">{mic.muted ? "Muted" : "Mic on"}</span>
      {!mic.muted && (
        <span className="bars" aria-hidden="true">
          <i />
          <i />
          <i />
          <i />
          <i />
        </span>
      )}
    </button>
  );
}

function TextBox({ textRef }: { readonly textRef: RefObject<HTMLInputElement | null> }) {
  const client = useVoice();
  const [text, setText] = useState("");
  const send = (event: FormEvent): void => {
    event.preventDefault();
    client.sendText(text);
    setText("");
  };
  return (
    <form className="text-box" onSubmit={send}>
      <input
        ref={textRef}
        type="text"
        value={text}
        onChange={(event) => setText(event.target.value)}
        placeholder="Type instead…"
        aria-label="Type instead of talking"
        maxLength={4000}
        autoComplete="off"
        enterKeyHint="send"
      />
      <kbd aria-hidden="true">/</kbd>
      <button type="submit" aria-label="Send" disabled={text.trim() === ""}>
        <Icon name="send" />
      </button>
    </form>
  );
}

/** Things to say, until the conversation runs by itself. */
function Suggestions() {
  const client = useVoice();
  const suggestions = useSnapshot(({ config }) => config?.suggestions);
  const started = useSnapshot(
    ({ transcript }) => transcript.filter((line) => line.kind === "said" && line.who === "caller").length > 1,
  );
  if (started || suggestions === undefined || suggestions.length === 0) return null;
  return (
    <div className="suggestions">
      <span>Say or tap</span>
      {suggestions.slice(0, 4).map((line) => (
        <button key={line} type="button" className="chip" onClick={() => client.sendText(line)}>
          {line}
        </button>
      ))}
    </div>
  );
}
