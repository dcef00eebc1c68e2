import { afterEach, describe, expect, it } from "vitest";
import { chosenFrom } from "./choose.ts";

const before = { ...process.env };
afterEach(() => {
  process.env = { ...before };
});

describe("the choice of parts", () => {
  it.each([
    ["nothing is set", {}, undefined],
    ["there is only a key", { OPENAI_API_KEY: "sk-1" }, undefined],
    ["the model is empty", { OPENAI_API_KEY: "sk-1", OPENAI_MODEL: "" }, undefined],
    ["a model has a server", { OPENAI_MODEL: "llama", OPENAI_BASE_URL: "http://localhost:1/v1" }, "llama"],
    ["a model has a key", { OPENAI_MODEL: "gpt", OPENAI_API_KEY: "sk-1" }, "gpt"],
  ])("when %s is as documented", (_, env, model) => {
    expect(chosenFrom(env)?.model).toBe(model);
  });

  it("replaces recogniser and voice only where they are named", () => {
    const env = { OPENAI_MODEL: "llama", OPENAI_BASE_URL: "http://localhost:1/v1", OPENAI_STT_MODEL: "whisper" };
    const chosen = chosenFrom(env);
    expect([chosen?.stt?.name, chosen?.tts]).toEqual(["whisper", undefined]);
    expect(chosenFrom({ ...env, OPENAI_TTS_MODEL: "kokoro" })?.tts?.name).toBe("kokoro");
  });

  it("refuses a model without a server, and an address that is none", () => {
    expect(() => chosenFrom({ OPENAI_MODEL: "gpt" })).toThrow(/OPENAI_BASE_URL/);
    expect(() => chosenFrom({ OPENAI_MODEL: "gpt", OPENAI_BASE_URL: "localhost" })).toThrow(/baseUrl must be/);
  });
});
