import { describe, expect, it } from "vitest";
import { scripted } from "../../src/engines/scripted/index.ts";
import type { VideoFrame } from "../../src/video/frame.ts";
import { sessionOver } from "../fixtures/realtime-upstream.ts";

const jpeg = (byte: number): VideoFrame => ({
  kind: "video",
  format: "jpeg",
  data: Uint8Array.of(0xff, 0xd8, byte),
  width: 1,
  height: 1,
  at: 0,
});

describe("a caller with a camera", () => {
  it("shows the model the newest picture with each turn, once", async () => {
    const mind = scripted({ replies: [[{ say: "I see." }], [{ say: "Nothing new." }]], hears: ["Look.", "And now?"] });
    const { session, speak, listen, up } = await sessionOver({ mind });
    for (let i = 0; i < 30; i++) session.see(jpeg(i));
    await speak(800);
    await listen(2_500);
    await speak(800);
    await listen(2_500);
    const pictures = up.line.sent.filter((event) => JSON.stringify(event).includes("input_image"));
    expect(pictures).toHaveLength(1);
    expect(pictures[0]).toMatchObject({
      type: "conversation.item.create",
      item: { role: "user", content: [{ image_url: "data:image/jpeg;base64,/9gd" }] },
    });
    void session.close();
  });

  it("says once that it cannot show compressed video, and goes on", async () => {
    const mind = scripted({ replies: [[{ say: "I hear you." }]], hears: ["Look."] });
    const { session, speak, listen, events } = await sessionOver({ mind });
    session.see({ ...jpeg(1), format: "vp8" });
    await speak(800);
    await listen(2_500);
    const troubles = events.flatMap(({ event }) => (event.type === "trouble" ? [event.error.code] : []));
    expect(troubles).toEqual(["unsupported"]);
    expect(events.some(({ event }) => event.type === "reply" && event.phase === "done")).toBe(true);
    void session.close();
  });
});
