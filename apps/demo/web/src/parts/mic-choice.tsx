import { useSnapshot, useVoice } from "../voice.ts";

/** Which microphone. Browsers keep the names back until one was allowed. */
export function MicChoice({ disabled }: { readonly disabled: boolean }) {
  const client = useVoice();
  const mic = useSnapshot(({ mic }) => mic);
  if (mic.devices.length === 0)
    return <p className="mic-choice">The browser will ask for your microphone. Headphones work best.</p>;
  return (
    <label className="mic-choice">
      Microphone
      <select
        disabled={disabled}
        value={mic.deviceId ?? mic.devices[0]?.deviceId}
        onChange={(event) => void client.setMic(event.target.value).catch(() => undefined)}
      >
        {mic.devices.map(({ deviceId, label }) => (
          <option key={deviceId} value={deviceId}>
            {label}
          </option>
        ))}
      </select>
    </label>
  );
}
