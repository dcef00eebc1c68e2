import { useEffect, useRef, useState } from "react";
import { Brand } from "../parts/brand.tsx";
import { ConnectionChip } from "../parts/connection-chip.tsx";
import { ControlBar } from "../parts/control-bar.tsx";
import { Hints } from "../parts/hints.tsx";
import { LatencyPanel } from "../parts/latency-panel.tsx";
import { Stage } from "../parts/stage.tsx";
import { ThemeButton } from "../parts/theme-button.tsx";
import { Timer } from "../parts/timer.tsx";
import { Transcript } from "../parts/transcript.tsx";
import { useKeys } from "../keys.ts";
import { useSnapshot, useVoice } from "../voice.ts";

/** The call: who speaks, what was said, how fast it went. */
export function Session({ since }: { readonly since: number }) {
  const client = useVoice();
  const title = useSnapshot(({ config }) => config?.title);
  const limitMs = useSnapshot(({ config }) => config?.limits.timeLimitMs);
  const [panel, setPanel] = useState(false);
  const text = useRef<HTMLInputElement>(null);
  useKeys({
    m: () => client.setMuted(!client.getSnapshot().mic.muted),
    Escape: () => (panel ? setPanel(false) : client.interrupt()),
    "/": () => text.current?.focus(),
  });
  useEffect(() => {
    document.body.classList.add("in-call");
    return () => document.body.classList.remove("in-call");
  }, []);

  return (
    <div className="session">
      <header className="top">
        <Brand title={title} />
        <ConnectionChip />
        <span className="spring" />
        <Timer since={since} limitMs={limitMs} />
        <button
          type="button"
          className="button small wide-only"
          onClick={() => client.reset()}
          title="A new conversation on the same call"
        >
          Reset
        </button>
        <span className="wide-only">
          <ThemeButton />
        </span>
      </header>
      <main className="conversation">
        <Stage />
        <Hints />
        <Transcript live />
      </main>
      <ControlBar textRef={text} panelOpen={panel} onPanel={() => setPanel(!panel)} />
      <aside className={panel ? "panel open" : "panel"} aria-label="Measurements">
        <button type="button" className="button small panel-close" onClick={() => setPanel(false)}>
          Close
        </button>
        <LatencyPanel />
      </aside>
    </div>
  );
}
