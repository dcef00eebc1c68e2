import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** The page is static files with relative addresses: it works below any path, from any server, under `script-src 'self'`. */
export default defineConfig({
  root: import.meta.dirname,
  base: "./",
  plugins: [react()],
  build: {
    outDir: "../../../dist/ui",
    emptyOutDir: true,
    target: "es2023",
    // Browsers that have `light-dark()` themselves: rewritten for older ones it would not follow the theme button.
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    // Chromium knows what the polyfill is for since 66, Safari since 17; without it there is no script but our own.
    modulePreload: { polyfill: false },
  },
  // `npx vite apps/demo/web` beside a running server: everything but the page itself comes from there.
  server: { proxy: { "/config": "http://localhost:7860", "/webrtc": "http://localhost:7860" } },
});
