import type { StepName } from "../../../../../src/client/index.ts";
import { useSnapshot, useVoice } from "../voice.ts";
import { Icon } from "./icon.tsx";

const names: Readonly<Record<StepName, string>> = {
  microphone: "Microphone",
  signalling: "Signalling",
  media: "Media",
  agent: "Agent ready",
};

/** The way to a call, with its times. */
export function Steps() {
  const client = useVoice();
  const steps = useSnapshot(({ steps }) => steps);
  return (
    <div className="connecting">
      <ol className="steps">
        {steps.map(({ name, state, ms }) => (
          <li key={name} className={state}>
            <span className="step-mark">
              {state === "done" ? <Icon name="check" /> : state === "failed" && <Icon name="cross" />}
            </span>
            {names[name]}
            <span className="step-ms">{ms === undefined ? "" : `${ms} ms`}</span>
          </li>
        ))}
      </ol>
      <button type="button" className="button quiet" onClick={() => client.disconnect()}>
        Cancel
      </button>
    </div>
  );
}
