import fc from "fast-check";
import { describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";
import { VoiceError } from "../base/errors.ts";
import { agent } from "./agent.ts";
import { readArgs, tool } from "./tool.ts";
import type { ToolContext } from "./types.ts";

const json = {
  type: "object",
  properties: {
    day: { type: "string", enum: ["Monday", "Friday"] },
    count: { type: "integer", minimum: 1, maximum: 5 },
    tags: { type: "array", items: { type: "string", minLength: 2 }, maxItems: 2 },
  },
  required: ["day"],
  additionalProperties: false,
};

function faultOf(task: () => unknown): VoiceError {
  try {
    task();
  } catch (error) {
    if (error instanceof VoiceError) return error;
    throw error;
  }
  throw new TypeError("must have been refused");
}

describe("a tool", () => {
  it("takes a zod schema: the model sees JSON Schema, the code typed arguments", () => {
    const book = tool({
      name: "book",
      description: "Books a day.",
      parameters: z.object({ day: z.string(), half: z.boolean().default(false) }),
      execute: (args) => {
        expectTypeOf(args).toEqualTypeOf<{ day: string; half: boolean }>();
        return args.day;
      },
    });
    expect(book.parameters).toMatchObject({
      type: "object",
      required: ["day"],
      properties: { day: { type: "string" } },
    });
    expect(book.parameters).not.toHaveProperty("$schema");
    expect(book.parse({ day: "Friday" })).toEqual({ day: "Friday", half: false });
    expect(book).toMatchObject({ timeoutMs: 15_000, onInterrupt: "continue", approval: false });
  });

  it("names path and fault of every wrong argument", () => {
    const book = tool({
      name: "book",
      description: "",
      parameters: z.object({ who: z.object({ age: z.number() }) }),
      execute: () => "",
    });
    const fault = faultOf(() => book.parse({ who: { age: "old" } }));
    expect(fault).toMatchObject({ code: "bad-message", expose: true });
    expect(fault.message).toMatch(/^wrong arguments: who\.age: /);
  });

  it.each([
    [{}, "day: is missing"],
    [{ day: "Sunday" }, 'day: expected one of "Monday", "Friday", got "Sunday"'],
    [{ day: "Monday", count: 1.5 }, "count: expected integer, got number"],
    [{ day: "Monday", count: 9 }, "count: must be at most 5, got 9"],
    [{ day: "Monday", tags: ["a"] }, "tags.0: length must be at least 2, got 1"],
    [{ day: "Monday", tags: ["aa", "bb", "cc"] }, "tags: length must be at most 2, got 3"],
    [{ day: "Monday", other: 1 }, "other: is not known"],
    ["Monday", "expected object, got string"],
    [null, "expected object, got null"],
  ])("checks %j against plain JSON Schema", (args, expected) => {
    const book = tool({ name: "book", description: "", parameters: json, execute: () => "" });
    expect(faultOf(() => book.parse(args)).message).toBe(`wrong arguments: ${expected}`);
  });

  it("never throws anything but a refusal, whatever a model sends", () => {
    const plain = tool({ name: "a", description: "", parameters: json, execute: () => "" });
    const zod = tool({
      name: "b",
      description: "",
      parameters: z.object({ day: z.string().optional() }),
      execute: () => "",
    });
    fc.assert(
      fc.property(fc.jsonValue(), (args) => {
        for (const one of [plain, zod]) {
          try {
            one.parse(args);
          } catch (error) {
            expect(error).toBeInstanceOf(VoiceError);
          }
        }
      }),
    );
  });

  it("refuses a schema that cannot say its JSON Schema, or answers with a promise", () => {
    const standard = { "~standard": { version: 1, vendor: "odd", validate: () => Promise.resolve({ value: 1 }) } };
    expect(() => tool({ name: "a", description: "", parameters: standard, execute: () => "" })).toThrow(TypeError);
    const slow = { "~standard": { ...standard["~standard"], jsonSchema: { input: () => ({ type: "object" }) } } };
    const one = tool({ name: "a", description: "", parameters: slow, execute: () => "" });
    expect(() => one.parse({})).toThrow(/synchronously/);
  });

  it.each(["", "has space", "x".repeat(65), "ä"])("refuses the name %j", (name) => {
    expect(() =>
      agent({ name: "Ada", instructions: "", tools: [tool({ name, description: "", execute: () => "" })] }),
    ).toThrow(TypeError);
  });

  it("reads a model's arguments: JSON, nothing for none, a refusal for the rest", () => {
    expect(readArgs("")).toEqual({});
    expect(readArgs('{"a":1}')).toEqual({ a: 1 });
    expect(faultOf(() => readArgs("{a:1"))).toMatchObject({
      code: "bad-message",
      message: "the arguments must be JSON",
    });
  });
});

describe("an agent", () => {
  it("names tools by the keys of a record, and takes those of the AI SDK", async () => {
    const seen: unknown[] = [];
    const ada = agent({
      name: "Ada",
      instructions: "",
      tools: {
        own: tool({ description: "Ours.", execute: () => "ours" }),
        foreign: {
          description: "Theirs.",
          inputSchema: z.object({ city: z.string() }),
          execute: (args: { city: string }, context: { toolCallId: string }) =>
            void seen.push(args.city, context.toolCallId),
        },
        wrapped: {
          inputSchema: { jsonSchema: { type: "object", required: ["n"] }, validate: () => {} },
          execute: () => "",
        },
      },
    });
    expect(ada.tools.map(({ name }) => name)).toEqual(["own", "foreign", "wrapped"]);
    const [, foreign, wrapped] = ada.tools;
    const context = { call: "call_1", signal: new AbortController().signal } as ToolContext;
    await foreign?.execute(foreign.parse({ city: "Bern" }), context);
    expect(seen).toEqual(["Bern", "call_1"]);
    expect(() => wrapped?.parse({})).toThrow("n: is missing");
  });

  it("refuses two tools of one name, and no name", () => {
    const one = tool({ name: "one", description: "", execute: () => "" });
    expect(() => agent({ name: "Ada", instructions: "", tools: [one, one] })).toThrow("two called one");
    expect(() => agent({ name: " ", instructions: "" })).toThrow(TypeError);
  });

  it.each<[string, object, string]>([
    ["no name", { instructions: "" }, "an agent's name must be a text that is not empty, got undefined"],
    ["no instructions", { name: "Ada" }, "instructions of Ada must be a text or a function, got undefined"],
    [
      "a tool of another library in a list",
      { name: "Ada", instructions: "", tools: [{ type: "function", invoke: () => "" }] },
      "tools of Ada must be made with tool(), got an object with type, invoke",
    ],
    [
      "a tool that is missing",
      { name: "Ada", instructions: "", tools: { clock: undefined } },
      "tool clock must be made with tool(), got undefined",
    ],
  ])("with %s is refused when it is made", (_what, options, why) => {
    const make: (options: never) => unknown = agent;
    expect(() => make(options as never)).toThrow(why);
  });

  it("without execute is refused when it is made", () => {
    const make: (options: never) => unknown = tool;
    expect(() => make({ name: "book", description: "" } as never)).toThrow("tool book must have execute, a function");
  });
});
