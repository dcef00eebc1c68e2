import { millis } from "../format.ts";
import { useSnapshot } from "../voice.ts";

export function ConnectionChip() {
  const net = useSnapshot(({ net }) => net);
  const quality = net.quality ?? "good";
  return (
    <span className="chip" title="The way of sound, and how long a question takes there and back">
      <span className={`dot ${quality}`} />
      <span>
        WebRTC
        {net.rttMs !== undefined && <> · {millis(Math.max(1, net.rttMs))} ms</>}
        <span className="wide-only"> · {quality}</span>
      </span>
    </span>
  );
}
