import { defineConfig } from "vitest/config";

/** Real sockets in real time: run one file after the other, so that no test takes the processor from another's clock. */
const sockets = [
  "test/scenario/websocket-*.test.ts",
  "test/scenario/telephone-*.test.ts",
  "test/scenario/realtime-*.test.ts",
  "test/contract/{transport,mount,stt}.test.ts",
  "test/acceptance/*.test.ts",
  "test/peers/*.test.ts",
  "src/transports/**/*.test.ts",
  "src/providers/pocketsphinx/*.test.ts",
];

/** `unit` needs no clock but a virtual one, `sockets` real time, `e2e` the built program and mostly a browser. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["src/**/*.test.ts", "test/**/*.test.ts"],
          exclude: sockets,
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: "sockets",
          // Other work on a shared machine may hold up a clock once, not twice in a row.
          retry: 1,
          include: sockets,
          testTimeout: 20_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "e2e",
          retry: 1,
          include: ["e2e/**/*.test.ts"],
          testTimeout: 90_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
