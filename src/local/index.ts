/* repartee/local: everything a voice agent needs on this machine, or whatever else is at hand. */
export { choose, type ChooseOptions } from "./choose.ts";
export { type Embedded, embedded, type EmbeddedOptions } from "./embedded.ts";
