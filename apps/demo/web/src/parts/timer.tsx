import { useEffect, useState } from "react";
import { clock } from "../format.ts";

/** From here on the clock counts down. */
const WARN_MS = 60_000;

/** How long the call has lasted; near its limit, how long it still may. */
export function Timer({ since, limitMs }: { readonly since: number; readonly limitMs: number | undefined }) {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, []);
  const left = limitMs === undefined ? Infinity : since + limitMs - now;
  if (left > WARN_MS) return <span className="chip timer">{clock(now - since)}</span>;
  return (
    <span className="chip timer warn" role="timer">
      {clock(left)} left
    </span>
  );
}
