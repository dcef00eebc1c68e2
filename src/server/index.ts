/* repartee/server: streams as programs, and the routes of a stream inside somebody else's server. */
export { createServer, type ServerOptions, type VoiceServer } from "./server.ts";
export { type ServeOptions, serveUntilStopped } from "./serve.ts";
export { type LaunchOptions, type MountOptions, type RtcOptions, Stream, type StreamOptions } from "./stream.ts";
