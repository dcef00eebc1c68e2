import { createContext, type RefObject, useContext, useEffect, useRef, useSyncExternalStore } from "react";
import type { VoiceClient, VoiceSnapshot } from "../../../../src/client/index.ts";

export const VoiceContext = createContext<VoiceClient | undefined>(undefined);

export function useVoice(): VoiceClient {
  const client = useContext(VoiceContext);
  if (client === undefined) throw new Error("useVoice needs a VoiceContext around it");
  return client;
}

/** A part of the snapshot; draws anew only when that part is another one. Select, do not build. */
export function useSnapshot<T>(select: (snapshot: VoiceSnapshot) => T): T {
  const client = useVoice();
  return useSyncExternalStore(
    (listener) => client.subscribe(listener),
    () => select(client.getSnapshot()),
  );
}

/**
 * Writes how loud one side is into the element's CSS variable `--level`, 0 to 1, once per frame and past React. Steps of
 * 1/64 keep a silent page from restyling anything.
 */
export function useLevel<E extends HTMLElement>(side: "input" | "output", on: boolean): RefObject<E | null> {
  const client = useVoice();
  const ref = useRef<E>(null);
  useEffect(() => {
    const element = ref.current;
    if (!on || element === null) return undefined;
    let shown = -1;
    let frame = requestAnimationFrame(function draw() {
      const level = Math.round(client.levels[side]() * 64) / 64;
      if (level !== shown) element.style.setProperty("--level", String(level));
      shown = level;
      frame = requestAnimationFrame(draw);
    });
    return () => {
      cancelAnimationFrame(frame);
      element.style.removeProperty("--level");
    };
  }, [client, side, on]);
  return ref;
}
