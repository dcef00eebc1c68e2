/*
 * What models cost. The table is dated, because prices change, and overridable, because contracts differ. Money is counted
 * in nano-dollars: a dollar for a million tokens is 1000 of them for each, so sums of tokens are exact.
 */
import type { Unit, Usage } from "./types.ts";

/** What one model costs, in US dollars. A unit without a price makes the cost unknown, unless the model is free. */
export interface ModelPrice {
  /** For a million: tokens, pictures' tokens, characters. */
  readonly perMillion?: Readonly<Partial<Record<Exclude<Unit, "seconds">, number>>>;
  /** For a minute of audio. */
  readonly perMinute?: number;
  /** It runs on this machine. */
  readonly free?: true;
}

export interface PriceTable {
  /** When the prices were true: `2026-09`. */
  readonly date: string;
  readonly models: Readonly<Record<string, ModelPrice>>;
}

/** Billionths of a US dollar. */
export type NanoDollars = number;

const large: ModelPrice = {
  perMillion: {
    "text-in": 4,
    "text-cached": 0.4,
    "text-out": 24,
    "audio-in": 32,
    "audio-cached": 0.4,
    "audio-out": 64,
    "image-in": 5,
  },
};

/** Published prices of September 2026. */
export const prices: PriceTable = {
  date: "2026-09",
  models: {
    "gpt-realtime-2": large,
    "gpt-realtime-2.1": large,
    "gpt-realtime-2.1-mini": {
      perMillion: {
        "text-in": 0.6,
        "text-cached": 0.06,
        "text-out": 2.4,
        "audio-in": 10,
        "audio-cached": 0.3,
        "audio-out": 20,
        "image-in": 0.8,
      },
    },
    "gpt-live-transcribe": { perMinute: 0.017 },
    "gpt-realtime-whisper": { perMinute: 0.017 },
    "gpt-transcribe": { perMinute: 0.0045 },
    "gpt-realtime-translate": { perMinute: 0.034 },
    "gpt-live-1": { perMinute: 0.05 },
  },
};

/** A table with these prices over those of another one; its date says that it was changed. */
export function overridePrices(models: PriceTable["models"], base: PriceTable = prices): PriceTable {
  return { date: `${base.date}, with own prices`, models: { ...base.models, ...models } };
}

/** The price of a model. A dated snapshot (`gpt-realtime-2.1-2026-08-04`) costs what its base name costs. */
export function priceOf(model: string, table: PriceTable = prices): ModelPrice | undefined {
  const base = model.replace(/-\d{4}-?\d{2}-?\d{2}$/, "");
  return [model, base]
    .map((name) => (Object.hasOwn(table.models, name) ? table.models[name] : undefined))
    .find((price) => price !== undefined);
}

/** Audio tokens of a minute of the caller, at the published rate of one in 100 ms. */
const AUDIO_TOKENS_A_MINUTE = 600;

/** What this usage costs; undefined when nobody knows: the model has no price, or the provider counted nothing. */
export function costOf({ model, units }: Usage, table: PriceTable = prices): NanoDollars | undefined {
  const price = priceOf(model, table);
  if (price === undefined) return undefined;
  if (price.free === true) return 0;
  const counted = Object.entries(units).filter(([, amount]) => amount > 0);
  if (counted.length === 0) return undefined;
  const { perMillion, perMinute } = price;
  if (perMinute !== undefined && perMillion === undefined) return costOfMinutes(units, perMinute);
  let sum = 0;
  for (const [unit, amount] of counted) {
    const each =
      unit === "seconds"
        ? perMinute === undefined
          ? undefined
          : (perMinute * 1e9) / 60
        : perMillion?.[toPriced(unit)];
    if (each === undefined) return undefined;
    sum += amount * (unit === "seconds" ? each : each * 1000);
  }
  return Math.round(sum);
}

/** A model that is paid by the minute may count tokens all the same: an estimate. */
function costOfMinutes(
  { seconds, "audio-in": tokens, "audio-cached": cached = 0 }: Usage["units"],
  perMinute: number,
): NanoDollars | undefined {
  const minutes =
    seconds !== undefined ? seconds / 60 : tokens !== undefined ? (tokens + cached) / AUDIO_TOKENS_A_MINUTE : undefined;
  return minutes === undefined ? undefined : Math.round(minutes * perMinute * 1e9);
}

/** Nano-dollars as dollars. */
export function toUsd(nano: NanoDollars): number {
  return nano / 1e9;
}

function toPriced(unit: string): Exclude<Unit, "seconds"> {
  switch (unit) {
    case "text-in":
    case "text-cached":
    case "text-out":
    case "audio-in":
    case "audio-cached":
    case "audio-out":
    case "image-in":
      return unit;
    default:
      return "characters";
  }
}
