/** What to tell a person when there is no Chromium and none can be installed. */
export declare const cure: string;
/** The path of an installed Chromium, or undefined. Throws when REPARTEE_CHROMIUM names something that cannot be run. */
export declare function findChromium(): string | undefined;
/** As `findChromium`, but installs one when there is none. Undefined when that failed too. */
export declare function ensureChromium(): string | undefined;
