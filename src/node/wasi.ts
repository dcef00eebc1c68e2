/*
 * Runs a WASI command (a program with `_start`) on files in memory: no node:wasi, no temporary files, no warnings. Only
 * what command-line tools such as flite call is here; the one directory is `/`, and paths arrive without its slash.
 *
 * `_start` may run once per instance, so each run makes a new instance of the compiled module.
 */
import { VoiceError } from "../base/errors.ts";

/** What a command left behind. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Files that it wrote, by their path without the leading slash. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

const OK = 0;
const BAD_DESCRIPTOR = 8;
const NO_ENTRY = 44;
const NOT_SEEKABLE = 70;
const ROOT = 3;
const CREATE = 1;
const TRUNCATE = 8;

class Exit extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`exit ${code}`);
    this.code = code;
  }
}

/** A file that grows by doubling. */
class GrowingFile {
  #bytes = new Uint8Array(1 << 16);
  length = 0;

  write(at: number, chunk: Uint8Array): void {
    const end = at + chunk.length;
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(end, this.#bytes.length * 2));
      larger.set(this.#bytes.subarray(0, this.length));
      this.#bytes = larger;
    }
    this.#bytes.set(chunk, at);
    if (end > this.length) this.length = end;
  }

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }
}

interface Handle {
  readonly file: GrowingFile;
  position: number;
}

/** Runs one command to its end, synchronously. Throws what the program traps with. */
export function runCommand(module: WebAssembly.Module, argv: readonly string[]): CommandResult {
  const encoder = new TextEncoder();
  const args = argv.map((text) => encoder.encode(`${text}\0`));
  const files = new Map<string, GrowingFile>();
  const handles = new Map<number, Handle>();
  const stdout = new GrowingFile();
  const stderr = new GrowingFile();
  handles.set(1, { file: stdout, position: 0 });
  handles.set(2, { file: stderr, position: 0 });
  let nextHandle = ROOT + 1;
  let memory: WebAssembly.Memory | undefined;
  // The buffer is read anew for every call: growing the memory replaces it.
  const buffer = (): ArrayBuffer => {
    if (memory === undefined) throw new VoiceError("bug", "a WASI call came before the memory was there");
    return memory.buffer;
  };
  const view = () => new DataView(buffer());
  const bytes = (at: number, length: number) => new Uint8Array(buffer(), at, length);

  const wasi = {
    args_sizes_get(countAt: number, sizeAt: number): number {
      view().setUint32(countAt, args.length, true);
      view().setUint32(
        sizeAt,
        args.reduce((sum, arg) => sum + arg.length, 0),
        true,
      );
      return OK;
    },
    args_get(listAt: number, textAt: number): number {
      let at = textAt;
      args.forEach((arg, i) => {
        view().setUint32(listAt + 4 * i, at, true);
        bytes(at, arg.length).set(arg);
        at += arg.length;
      });
      return OK;
    },
    clock_time_get(_clock: number, _precision: bigint, outAt: number): number {
      view().setBigUint64(outAt, BigInt(Math.round(performance.now() * 1e6)), true);
      return OK;
    },
    fd_prestat_get(fd: number, outAt: number): number {
      if (fd !== ROOT) return BAD_DESCRIPTOR;
      view().setUint8(outAt, 0);
      view().setUint32(outAt + 4, 1, true);
      return OK;
    },
    fd_prestat_dir_name(fd: number, at: number, length: number): number {
      if (fd !== ROOT) return BAD_DESCRIPTOR;
      bytes(at, length).set(encoder.encode("/").subarray(0, length));
      return OK;
    },
    // Layout: file type u8 at 0, flags u16 at 2, rights u64 at 8, inherited rights u64 at 16.
    fd_fdstat_get(fd: number, outAt: number): number {
      const type = fd <= 2 ? 2 : fd === ROOT ? 3 : handles.has(fd) ? 4 : undefined;
      if (type === undefined) return BAD_DESCRIPTOR;
      view().setUint8(outAt, type);
      view().setUint16(outAt + 2, 0, true);
      view().setBigUint64(outAt + 8, 0x1fffffffn, true);
      view().setBigUint64(outAt + 16, 0x1fffffffn, true);
      return OK;
    },
    fd_fdstat_set_flags(): number {
      return OK;
    },
    path_open(
      _dir: number,
      _lookup: number,
      pathAt: number,
      pathLength: number,
      flags: number,
      _rights: bigint,
      _inherited: bigint,
      _fdFlags: number,
      outAt: number,
    ): number {
      const path = new TextDecoder().decode(bytes(pathAt, pathLength));
      let file = files.get(path);
      if (file === undefined) {
        if ((flags & CREATE) === 0) return NO_ENTRY;
        file = new GrowingFile();
        files.set(path, file);
      }
      if ((flags & TRUNCATE) !== 0) file.length = 0;
      handles.set(nextHandle, { file, position: 0 });
      view().setUint32(outAt, nextHandle, true);
      nextHandle += 1;
      return OK;
    },
    fd_seek(fd: number, offset: bigint, whence: number, outAt: number): number {
      const handle = handles.get(fd);
      if (handle === undefined) return BAD_DESCRIPTOR;
      if (fd <= 2) return NOT_SEEKABLE;
      const origins = [0, handle.position, handle.file.length];
      handle.position = Number(offset) + (origins[whence] ?? 0);
      view().setBigUint64(outAt, BigInt(handle.position), true);
      return OK;
    },
    fd_read(fd: number, listAt: number, count: number, outAt: number): number {
      const handle = handles.get(fd);
      let got = 0;
      for (let i = 0; handle !== undefined && i < count; i++) {
        const at = view().getUint32(listAt + 8 * i, true);
        const wanted = view().getUint32(listAt + 8 * i + 4, true);
        const chunk = handle.file.bytes().subarray(handle.position, handle.position + wanted);
        bytes(at, chunk.length).set(chunk);
        handle.position += chunk.length;
        got += chunk.length;
      }
      view().setUint32(outAt, got, true);
      return OK;
    },
    fd_write(fd: number, listAt: number, count: number, outAt: number): number {
      const handle = handles.get(fd);
      if (handle === undefined) return BAD_DESCRIPTOR;
      let put = 0;
      for (let i = 0; i < count; i++) {
        const at = view().getUint32(listAt + 8 * i, true);
        const length = view().getUint32(listAt + 8 * i + 4, true);
        handle.file.write(handle.position, bytes(at, length));
        handle.position += length;
        put += length;
      }
      view().setUint32(outAt, put, true);
      return OK;
    },
    fd_close(fd: number): number {
      return handles.delete(fd) ? OK : BAD_DESCRIPTOR;
    },
    proc_exit(code: number): void {
      throw new Exit(code);
    },
  };

  const { exports } = new WebAssembly.Instance(module, { wasi_snapshot_preview1: wasi });
  const start = exports["_start"];
  if (!(exports["memory"] instanceof WebAssembly.Memory) || typeof start !== "function") {
    throw new TypeError("a WASI command must export memory and _start");
  }
  memory = exports["memory"];
  let code = 0;
  try {
    start();
  } catch (error) {
    if (!(error instanceof Exit)) throw error;
    code = error.code;
  }
  const text = (file: GrowingFile) => new TextDecoder().decode(file.bytes());
  return {
    code,
    stdout: text(stdout),
    stderr: text(stderr),
    files: new Map([...files].map(([path, file]) => [path, file.bytes()])),
  };
}
