import { afterEach, describe, expect, it, vi } from "vitest";
import { toMicError } from "./microphone.ts";
import { createSignalling, toServerError } from "./signalling.ts";

/** What a request was sent with. */
function textOf(init: RequestInit | undefined): string {
  if (typeof init?.body !== "string") throw new TypeError("the request has no text for a body");
  return init.body;
}

describe("the server's refusals", () => {
  it.each([
    [200, { status: "failed", meta: { error: "concurrency_limit_reached", limit: 10 } }, "concurrency-limit"],
    [429, { status: "failed", meta: { error: "concurrency-limit" } }, "concurrency-limit"],
    [429, undefined, "concurrency-limit"],
    [401, undefined, "unauthorized"],
    [403, {}, "forbidden"],
    [402, {}, "budget"],
    [404, undefined, "unsupported"],
    [409, { status: "failed", meta: { error: "connection_already_exists" } }, "session-exists"],
    [422, { status: "failed", meta: { error: "invalid_sdp" } }, "bad-offer"],
    [503, { status: "failed", meta: { error: "draining" } }, "draining"],
    [503, { status: "failed", meta: { error: "webrtc_unavailable" } }, "unsupported"],
    [500, undefined, "server-unreachable"],
    [502, "<html>", "server-unreachable"],
    [200, { status: "failed", meta: { error: "toString" } }, "agent-error"],
  ])("with status %i and %j become the code they mean", (status, body, code) => {
    expect(toServerError(status, body, null)).toMatchObject({ code });
  });

  it("carry the limit, and when to come again", () => {
    const body = { status: "failed", meta: { error: "concurrency_limit_reached", limit: 3 } };
    expect(toServerError(429, body, "7")?.meta).toMatchObject({ limit: 3, retryAfterMs: 7_000, status: 429 });
  });

  it("are none when all is well", () => {
    expect(toServerError(200, { sdp: "v=0" }, null)).toBeUndefined();
    expect(toServerError(200, { status: "success" }, null)).toBeUndefined();
  });
});

describe("signalling", () => {
  afterEach(() => void vi.unstubAllGlobals());
  const serve = (answer: (url: URL, init: RequestInit) => Response | Promise<Response>) => {
    const fetch = vi.fn(async (url: URL, init: RequestInit) => answer(url, init));
    vi.stubGlobal("fetch", fetch);
    return fetch;
  };
  const never = new AbortController().signal;

  it("finds its paths below the base, wherever the page is mounted", async () => {
    const fetch = serve(() => Response.json({ v: 1 }));
    await createSignalling({ baseUrl: "https://host/voice/" }).config();
    expect(String(fetch.mock.calls[0]?.[0])).toBe("https://host/voice/config");
  });

  it("sends the offer in version 1 with a fresh token and takes the server's id", async () => {
    const fetch = serve(() => Response.json({ type: "answer", sdp: "v=0", id: "ses_1", batch: true }));
    const signalling = createSignalling({ baseUrl: "https://host/", auth: async () => "token" });
    await expect(signalling.offer({ sdp: "o", webrtc_id: "w" }, never)).resolves.toEqual({
      sdp: "v=0",
      id: "ses_1",
      batch: true,
    });
    const init = fetch.mock.calls[0]?.[1];
    expect(JSON.parse(textOf(init))).toEqual({ v: 1, type: "offer", sdp: "o", webrtc_id: "w" });
    expect(init?.headers).toMatchObject({ authorization: "Bearer token" });
  });

  it("takes its own id against a server that gives none", async () => {
    serve(() => Response.json({ type: "answer", sdp: "v=0" }));
    await expect(
      createSignalling({ baseUrl: "https://host/" }).offer({ webrtc_id: "w" }, never),
    ).resolves.toMatchObject({ id: "w", batch: false });
  });

  it.each([
    ["a page of HTML", () => new Response("<html>"), "protocol"],
    ["an answer without SDP", () => Response.json({ type: "answer" }), "protocol"],
    ["a refusal with status 200", () => Response.json({ status: "failed", meta: { error: "draining" } }), "draining"],
  ])("rejects %s", async (_, answer, code) => {
    serve(answer);
    await expect(createSignalling({ baseUrl: "https://host/" }).offer({ webrtc_id: "w" }, never)).rejects.toMatchObject(
      { code },
    );
  });

  it("says that the server is unreachable when the network fails", async () => {
    serve(() => Promise.reject(new TypeError("Failed to fetch")));
    await expect(createSignalling({ baseUrl: "https://host/" }).config()).rejects.toMatchObject({
      code: "server-unreachable",
      retryable: true,
    });
  });

  it("rejects with the caller's own reason when the attempt was given up", async () => {
    const abort = new AbortController();
    serve(
      (_, init) =>
        new Promise((__, reject) => init.signal?.addEventListener("abort", () => reject(init.signal?.reason))),
    );
    const offer = createSignalling({ baseUrl: "https://host/" }).offer({ webrtc_id: "w" }, abort.signal);
    abort.abort(new Error("given up"));
    await expect(offer).rejects.toThrow("given up");
  });

  it("sends candidates together only where the server takes them so", async () => {
    const fetch = serve(() => Response.json({ status: "success" }));
    const signalling = createSignalling({ baseUrl: "https://host/" });
    const two = [{ candidate: "a" }, { candidate: "b" }];
    await signalling.candidates("w", two, true);
    await signalling.candidates("w", two, false);
    expect(fetch.mock.calls.map(([, init]) => JSON.parse(textOf(init)))).toEqual([
      { candidates: two, webrtc_id: "w", type: "ice-candidate" },
      { candidate: two[0], webrtc_id: "w", type: "ice-candidate" },
      { candidate: two[1], webrtc_id: "w", type: "ice-candidate" },
    ]);
  });
});

describe("what a browser says of a microphone", () => {
  it.each([
    ["NotAllowedError", "mic-denied"],
    ["SecurityError", "mic-denied"],
    ["NotFoundError", "mic-not-found"],
    ["NotReadableError", "mic-busy"],
    ["AbortError", "mic-busy"],
    ["OverconstrainedError", "mic-constraints"],
    ["SomethingNew", "mic-not-found"],
  ])("as %s is %s, with the browser's error as its cause", (name, code) => {
    const cause = Object.assign(new Error("x"), { name });
    expect(toMicError(cause)).toMatchObject({ code, cause });
  });
});
