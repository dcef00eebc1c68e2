import { useEffect, useRef, useState } from "react";
import type { Line } from "../../../../../src/client/index.ts";
import { useSnapshot } from "../voice.ts";
import { Icon } from "./icon.tsx";
import { TranscriptLine } from "./transcript-line.tsx";

/** This close to the end counts as being there, px. */
const NEAR = 48;

/** The conversation. While it is `live` the latest line stays in sight, unless the reader has scrolled up. */
export function Transcript({ live }: { readonly live: boolean }) {
  const lines = useSnapshot(({ transcript }) => transcript);
  const box = useRef<HTMLDivElement>(null);
  const [following, follow] = useState(live);
  useEffect(() => {
    const element = box.current;
    if (following && element !== null) element.scrollTop = element.scrollHeight;
  }, [lines, following]);

  const answers = firstAnswers(lines);
  return (
    <div className="transcript-frame">
      <div
        ref={box}
        className="transcript"
        role="log"
        aria-label="Transcript"
        aria-live="off"
        tabIndex={0}
        onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) =>
          follow(live && scrollHeight - scrollTop - clientHeight < NEAR)
        }
      >
        {lines.length === 0 && (
          <p className="empty">
            {live ? "Say something. The conversation is written down here." : "Nothing was said."}
          </p>
        )}
        {lines.map((line) => (
          <TranscriptLine key={line.id} line={line} answer={answers.get(line.turnId) === line.id} />
        ))}
      </div>
      {live && !following && (
        <button type="button" className="chip to-end" onClick={() => follow(true)}>
          <Icon name="down" /> new
        </button>
      )}
    </div>
  );
}

/** By turn, the line that answered it: the wait is shown there and nowhere else. */
function firstAnswers(lines: readonly Line[]): ReadonlyMap<string | undefined, string> {
  const answers = new Map<string | undefined, string>();
  for (const line of lines) {
    if (line.kind === "said" && line.who === "agent" && !answers.has(line.turnId)) answers.set(line.turnId, line.id);
  }
  return answers;
}
