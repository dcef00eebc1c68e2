import { useEffect, useState } from "react";
import { Announcer } from "./parts/announcer.tsx";
import { Ended } from "./screens/ended.tsx";
import { Session } from "./screens/session.tsx";
import { Start } from "./screens/start.tsx";
import { useSnapshot, useVoice } from "./voice.ts";

/** How long a page that found no server waits before it looks again. */
const LOOK_AGAIN_MS = 3_000;

export function App() {
  const connection = useSnapshot(({ connection }) => connection);
  const unreachable = useConfig();
  const [home, setHome] = useState(false);
  const over = connection.state === "ended" || (connection.state === "failed" && connection.lastedMs > 0);
  useEffect(() => {
    if (!over) setHome(false);
  }, [over]);

  return (
    <>
      <Announcer />
      {connection.state === "connected" && <Session since={connection.since} />}
      {over && !home && <Ended connection={connection} onHome={() => setHome(true)} />}
      {connection.state !== "connected" && (!over || home) && <Start unreachable={unreachable} />}
    </>
  );
}

/** Reads the server's configuration, as often as it takes. True while the server does not answer. */
function useConfig(): boolean {
  const client = useVoice();
  const [unreachable, setUnreachable] = useState(false);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let left = false;
    const look = async (): Promise<void> => {
      try {
        await client.load();
        if (!left) setUnreachable(false);
      } catch {
        if (left) return;
        setUnreachable(true);
        timer = setTimeout(() => void look(), LOOK_AGAIN_MS);
      }
    };
    void look();
    return () => {
      left = true;
      clearTimeout(timer);
    };
  }, [client]);
  return unreachable;
}
