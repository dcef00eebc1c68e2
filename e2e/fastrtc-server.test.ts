/* Line W15 of docs/acceptance.md: our browser client at a server that speaks FastRTC's protocol and nothing of ours. */
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { recognise, spoken } from "../src/testing/speech.ts";
import { type FastRtcServer, serveFastRtc } from "../test/fixtures/fastrtc-server.ts";
import { root } from "../test/house/sources.ts";
import { Caller, PAGE_RATE } from "./support/browser.ts";

let server: FastRtcServer | undefined;
let caller: Caller | undefined;
afterEach(async () => {
  await caller?.close();
  await server?.close();
});

/** The smallest page around the client: it says what happens to it. */
const html = `<!doctype html><meta charset="utf-8"><title>A page of one's own</title>
<button id="call">Call</button> <button id="end">Hang up</button> <output id="state"></output> <output id="error"></output>
<script type="module">
  import { createVoiceClient } from "/client/index.js";
  const client = createVoiceClient();
  const show = () => (document.querySelector("#state").textContent = client.getSnapshot().connection.state);
  client.subscribe(show);
  client.on("error", ({ code }) => (document.querySelector("#error").textContent = code));
  document.querySelector("#call").onclick = () => client.connect().catch(() => {});
  document.querySelector("#end").onclick = () => client.disconnect();
  show();
</script>`;
const files = join(root, "dist");

describe("our client at a FastRTC server", () => {
  it("W15 connects, hears itself back, and hangs up", async () => {
    server = await serveFastRtc({ html, files });
    const { url, posted, calls } = server;
    caller = await Caller.open(url, {
      microphone: spoken("where is the cafeteria", { rate: PAGE_RATE, leadMs: 1_500 }),
    });
    const { page } = caller;
    await page.getByRole("button", { name: "Call" }).click();
    await page.locator("#state", { hasText: "connected" }).waitFor({ timeout: 15_000 });
    await caller.voice(20_000);
    await caller.quiet(1_000);
    const choices = ["where is the cafeteria", "open the window", "what time is it", "good morning"];
    expect(await recognise(await caller.heard(), choices)).toBe("where is the cafeteria");
    // Such a server has no configuration to give; nothing else may have gone wrong.
    expect(caller.faults.filter((fault) => !fault.includes("404"))).toEqual([]);
    for (const body of posted) expect(body).not.toHaveProperty("candidates");
    await page.getByRole("button", { name: "Hang up" }).click();
    await expect.poll(() => calls.sessions.size, { timeout: 5_000 }).toBe(0);
  });

  it("W15 knows that all lines are busy when it is refused with status 200, and gets through afterwards", async () => {
    server = await serveFastRtc({ html, files, limit: 1 });
    const slot = await server.calls.reserve("somebody");
    caller = await Caller.open(server.url);
    const { page } = caller;
    await page.getByRole("button", { name: "Call" }).click();
    await page.locator("#error", { hasText: "concurrency-limit" }).waitFor({ timeout: 15_000 });
    await slot.release();
    await page.getByRole("button", { name: "Call" }).click();
    await page.locator("#state", { hasText: "connected" }).waitFor({ timeout: 15_000 });
  });
});
