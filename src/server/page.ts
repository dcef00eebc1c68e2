/*
 * Serves the built page from dist/ui: a fixed list of files read at start, so no request can name a file on disk.
 */
import { readdir, readFile } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".json": "application/json",
  ".map": "application/json",
  ".webmanifest": "application/manifest+json",
};

/** Only what the page itself needs: its own files, no frames, no inline scripts. Styles are set on elements for levels. */
const POLICY =
  "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; media-src 'self' blob: mediastream:; " +
  "connect-src 'self' ws: wss:; object-src 'none'; base-uri 'none'; frame-ancestors 'self'";

/** One file of the page, as it is sent. */
export interface PageFile {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly headers: Readonly<Record<string, string>>;
}

/** The files of the built page by URL path (`/` is index.html); empty when the page was not built. */
export async function loadPage(): Promise<ReadonlyMap<string, PageFile>> {
  // Two floors up from this file lies the package, both in src and in dist.
  const root = fileURLToPath(new URL("../../dist/ui/", import.meta.url));
  const files = new Map<string, PageFile>();
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const name = `/${relative(root, path).split(sep).join("/")}`;
    const file = toFile(name, new Uint8Array(await readFile(path)));
    files.set(name, file);
    if (name === "/index.html") files.set("/", file);
  }
  return files;
}

function toFile(name: string, body: Uint8Array<ArrayBuffer>): PageFile {
  // Vite puts a hash of the content into the names below assets/.
  const cache = name.startsWith("/assets/") ? "public, max-age=31536000, immutable" : "no-cache";
  const headers: Record<string, string> = {
    "content-type": types[extname(name)] ?? "application/octet-stream",
    "cache-control": cache,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
  };
  if (name.endsWith(".html")) headers["content-security-policy"] = POLICY;
  return { body, headers };
}
