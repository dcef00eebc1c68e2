/*
 * What a tool's `parameters` may be: a schema of any library that follows Standard Schema (zod 4, valibot, arktype …),
 * told by its `~standard` member, or plain JSON Schema. No library is imported: shape is all that counts.
 */
import { VoiceError } from "../base/errors.ts";
import { isRecord } from "../protocol/page.ts";

/** The part of Standard Schema, and of its JSON Schema extension, that is used here. */
export interface StandardSchema<Output = unknown> {
  readonly "~standard": {
    readonly vendor: string;
    validate(value: unknown): Checked<Output> | Promise<Checked<Output>>;
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
    readonly jsonSchema?: { input(options: { readonly target: string }): Record<string, unknown> } | undefined;
  };
}

interface Issue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

type Checked<Output> = { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly Issue[] };

/** A standard schema, or plain JSON Schema. */
export type Schema = StandardSchema | { readonly [key: string]: unknown };

/** What the arguments of a tool are after checking. */
export type ArgsOf<S> = S extends { readonly "~standard": { readonly types?: infer Types } }
  ? NonNullable<Types> extends { readonly output: infer Output }
    ? Output
    : unknown
  : Readonly<Record<string, unknown>>;

/**
 * The JSON Schema of a schema, without `$schema`. Throws TypeError when a standard schema cannot say it: such a tool
 * needs plain JSON Schema.
 */
export function toJsonSchema(schema: Schema): object {
  const { $schema: _dialect, ...rest } = isStandardSchema(schema) ? converted(schema) : schema;
  return rest;
}

/** Checks arguments against a schema. Throws VoiceError `bad-message` that names path and fault of each. */
export function checkArgs(schema: Schema, args: unknown): unknown {
  if (!isStandardSchema(schema)) {
    const faults = faultsOf(schema, args, "");
    if (faults.length > 0) throw refusal(faults);
    return args;
  }
  return checkedBy(schema, args, "arguments");
}

/** The value as the schema makes it. Throws VoiceError `bad-message` that names path and fault of each wrong member. */
export function checkedBy<Output>(schema: StandardSchema<Output>, value: unknown, what: string): Output {
  const checked = schema["~standard"].validate(value);
  if ("then" in checked) {
    checked.catch(() => {});
    throw new TypeError(`${what} must be checked synchronously, got a schema that answers with a promise`);
  }
  if (checked.issues === undefined) return checked.value;
  throw refusal(
    checked.issues.map((issue) => at(pathOf(issue), issue.message)),
    what,
  );
}

/** Some libraries make their schemas functions. */
export function isStandardSchema(value: unknown): value is StandardSchema {
  return ((typeof value === "object" && value !== null) || typeof value === "function") && "~standard" in value;
}

function converted(schema: StandardSchema): Record<string, unknown> {
  const standard = schema["~standard"];
  if (standard.jsonSchema !== undefined) return standard.jsonSchema.input({ target: "draft-2020-12" });
  if ("toJSONSchema" in schema && typeof schema.toJSONSchema === "function") {
    const json: unknown = schema.toJSONSchema({ io: "input" });
    if (isRecord(json)) return json;
  }
  throw new TypeError(
    `a schema of ${standard.vendor} must be able to say its JSON Schema, got one that is not: write JSON Schema`,
  );
}

function refusal(faults: readonly string[], what: string = "arguments"): VoiceError {
  return new VoiceError("bad-message", `wrong ${what}: ${faults.join("; ")}`, { expose: true });
}

function pathOf({ path = [] }: Issue): string {
  return path.map((part) => String(typeof part === "object" ? part.key : part)).join(".");
}

function at(path: string, why: string): string {
  return path === "" ? why : `${path}: ${why}`;
}

/** The subset of JSON Schema that models are good at; keywords outside it are not checked. */
function faultsOf(schema: unknown, value: unknown, path: string): string[] {
  if (!isRecord(schema)) return [];
  const fault = typeFault(schema, value) ?? choiceFault(schema, value) ?? rangeFault(schema, value);
  if (fault !== undefined) return [at(path, fault)];
  if (Array.isArray(value)) return value.flatMap((one, i) => faultsOf(schema["items"], one, join(path, String(i))));
  return isRecord(value) ? memberFaults(schema, value, path) : [];
}

function memberFaults(schema: Record<string, unknown>, value: Record<string, unknown>, path: string): string[] {
  const properties = isRecord(schema["properties"]) ? schema["properties"] : {};
  const required = Array.isArray(schema["required"]) ? schema["required"] : [];
  const faults: string[] = [];
  for (const name of required) {
    if (typeof name === "string" && !Object.hasOwn(value, name)) faults.push(at(join(path, name), "is missing"));
  }
  for (const [name, member] of Object.entries(value)) {
    if (Object.hasOwn(properties, name)) faults.push(...faultsOf(properties[name], member, join(path, name)));
    else if (schema["additionalProperties"] === false) faults.push(at(join(path, name), "is not known"));
  }
  return faults;
}

function typeFault(schema: Record<string, unknown>, value: unknown): string | undefined {
  const wanted = schema["type"];
  const types = Array.isArray(wanted) ? wanted : wanted === undefined ? [] : [wanted];
  if (types.length === 0 || types.some((type) => isType(type, value))) return undefined;
  return `expected ${types.join(" or ")}, got ${typeName(value)}`;
}

function choiceFault(schema: Record<string, unknown>, value: unknown): string | undefined {
  const choices = Array.isArray(schema["enum"])
    ? schema["enum"]
    : Object.hasOwn(schema, "const")
      ? [schema["const"]]
      : undefined;
  if (choices === undefined || choices.includes(value)) return undefined;
  return `expected one of ${choices.map((choice) => JSON.stringify(choice)).join(", ")}, got ${JSON.stringify(value)}`;
}

function rangeFault(schema: Record<string, unknown>, value: unknown): string | undefined {
  const measure =
    typeof value === "number" ? value : typeof value === "string" || Array.isArray(value) ? value.length : undefined;
  if (measure === undefined) return undefined;
  const kind =
    typeof value === "number"
      ? ["minimum", "maximum"]
      : typeof value === "string"
        ? ["minLength", "maxLength"]
        : ["minItems", "maxItems"];
  const [least, most] = kind.map((name) => schema[name]);
  const what = typeof value === "number" ? "" : "length ";
  if (typeof least === "number" && measure < least) return `${what}must be at least ${least}, got ${measure}`;
  if (typeof most === "number" && measure > most) return `${what}must be at most ${most}, got ${measure}`;
  return undefined;
}

function isType(type: unknown, value: unknown): boolean {
  if (type === "integer") return Number.isInteger(value);
  return type === "object" ? isRecord(value) : type === typeName(value);
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}
