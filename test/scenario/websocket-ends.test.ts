import { afterEach, describe, expect, it } from "vitest";
import { VoiceError } from "../../src/base/errors.ts";
import { Calls } from "../../src/session/calls.ts";
import type { Session } from "../../src/session/types.ts";
import { SocketCaller } from "../../src/testing/socket-caller.ts";
import { answerSocket } from "../../src/transports/websocket/index.ts";
import { quietPlatform, serveSockets, type TestServer } from "../fixtures/socket-server.ts";

let server: TestServer | undefined;
afterEach(async () => {
  await server?.close();
});

interface Ending {
  readonly calls: Calls;
  readonly url: string;
  readonly session: Promise<Session>;
  /** Resolves with the reason when the handler's `finally` ran; counts how often it did. */
  readonly finished: Promise<unknown>;
  runs: number;
}

async function serve(timeLimitMs?: number): Promise<Ending> {
  let answered: (session: Session) => void = () => {};
  let ended: (reason: unknown) => void = () => {};
  const session = new Promise<Session>((resolve) => (answered = resolve));
  const finished = new Promise<unknown>((resolve) => (ended = resolve));
  const calls = new Calls(
    async function* (one) {
      answered(one);
      try {
        for await (const frame of one.audio) yield frame;
      } finally {
        ending.runs += 1;
        ended(one.signal.reason);
      }
    },
    { platform: quietPlatform(), concurrencyLimit: 1, timeLimitMs },
  );
  server = await serveSockets((socket) => answerSocket(socket, { calls }));
  const ending: Ending = { calls, url: server.url, session, finished, runs: 0 };
  return ending;
}

describe("a call on a real socket ends, runs the handler's finally once and frees its place", () => {
  const ways: [string, (caller: SocketCaller, ending: Ending) => unknown, string, number][] = [
    ["when the page says stop", (caller) => caller.json({ event: "stop" }), "hung-up", 1000],
    ["when the page closes the socket", (caller) => caller.socket.close(1000), "hung-up", 1000],
    ["when the page vanishes", (caller) => caller.vanish(), "connection-lost", 1006],
    [
      "when it is closed from the server",
      async (_, { session }) => (await session).close(new VoiceError("forbidden", "kicked")),
      "forbidden",
      1008,
    ],
    ["when the server shuts down", (_, { calls }) => calls.close(), "draining", 1001],
  ];
  for (const profile of ["fastrtc", "v1"] as const) {
    it.each(ways)(`${profile}: %s`, async (_, end, reason, code) => {
      const ending = await serve();
      const caller = await new SocketCaller(ending.url, { profile }).start();
      const session = await ending.session;
      caller.say(new Int16Array(caller.inRate / 50));
      end(caller, ending);
      expect(await ending.finished).toMatchObject({ code: reason });
      expect((await caller.closed).code).toBe(code);
      await session.close();
      expect(ending.runs).toBe(1);
      expect(ending.calls.sessions.size).toBe(0);
      if (!ending.calls.draining) await (await ending.calls.reserve("next")).release();
    });

    it(`${profile}: when its time is over, after a warning`, async () => {
      const ending = await serve(200);
      const caller = await new SocketCaller(ending.url, { profile }).start();
      expect(await ending.finished).toMatchObject({ code: "time-limit" });
      expect((await caller.closed).code).toBe(1000);
      expect(caller.events.map(({ name }) => name)).toEqual(expect.arrayContaining(["warning", "end_stream"]));
    });
  }

  it("closes a message that is too large and goes on with the other calls", async () => {
    const { url, calls } = await serve();
    const caller = await new SocketCaller(url).open();
    caller.socket.send(Buffer.alloc(70_000));
    expect((await caller.closed).code).toBe(1009);
    await new SocketCaller(url).start();
    expect(calls.sessions.size).toBe(1);
    await calls.close();
  });
});
