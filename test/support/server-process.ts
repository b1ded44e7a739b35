/**
 * The compiled command line as real processes: a server that is started, killed and stopped, and commands that run
 * to their end. `npm test` builds before it tests; what is run here is `dist`.
 *
 * SUPPORT-SERVER-PROCESS-1  No process outlives the test's own: they are killed when it exits, and the server ends by itself when this process
 *                           was killed and could not do that (the pipe to its stdin closes).
 * SUPPORT-SERVER-PROCESS-2  `YIFEN_*` variables of the machine that runs the tests do not reach them.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

/** How a process ended, and all that it said. */
export interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

export interface ProcessOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Shell commands that run first, in the same process: `ulimit -f 700`. */
  readonly shell?: string;
  /** kill -9 then, if it has not ended by itself. */
  readonly killAfterMs?: number;
}

export interface ServerProcess {
  /** `http://127.0.0.1:PORT`, as the server itself said. */
  readonly address: string;
  readonly pid: number;
  /** Standard output so far. */
  said(): string;
  readonly ended: Promise<End>;
  /** kill -9, at once. */
  kill(): Promise<End>;
  /** SIGTERM; kill -9 when that takes too long. */
  stop(): Promise<End>;
}

const startWithinMs = 30_000;
const endWithinMs = 30_000;

const program = compiled("cli/yifen.js");
/** The demo's: ends a server whose stdin has closed. */
const orphanGuard = compiled("cli/demo/orphan-guard.js");

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** A compiled file of the project. */
export function compiled(path: string): string {
  const file = resolve("dist", path);
  if (!existsSync(file)) throw new Error(`${file} is missing: run "npm run build" first`);
  return file;
}

/** What a test can `import()` without the compiler seeing the compiled copy. */
export function compiledUrl(path: string): string {
  return pathToFileURL(compiled(path)).href;
}

/** Runs `yifen ARGS` to its end. */
export function yifen(args: readonly string[], options: ProcessOptions = {}): Promise<End> {
  return endOf(launch([program, ...args], options), options.killAfterMs ?? endWithinMs);
}

/** Runs a program of Node to its end; killed after `endWithinMs`. */
export function node(args: readonly string[], options: ProcessOptions = {}): Promise<End> {
  return endOf(launch(args, options), options.killAfterMs ?? endWithinMs);
}

/** Runs `yifen start` on a folder; resolves when it listens, rejects with what it said when it ends instead. */
export async function startServer(
  data: string,
  flags: readonly string[] = [],
  options: ProcessOptions = {},
): Promise<ServerProcess> {
  const guard = ["--import", pathToFileURL(orphanGuard).href];
  const child = launch([...guard, program, "start", "--data", data, ...withPort(flags)], options);
  let said = "";
  child.stdout!.on("data", (text: string) => {
    said += text;
  });
  const ended = endOf(child, undefined);
  const end = (signal: NodeJS.Signals) => {
    child.kill(signal);
    return ended;
  };
  return {
    address: await listening(child, ended, () => said),
    pid: child.pid!,
    said: () => said,
    ended,
    kill: () => end("SIGKILL"),
    async stop() {
      const tooLong = setTimeout(() => child.kill("SIGKILL"), endWithinMs);
      const ending = await end("SIGTERM");
      clearTimeout(tooLong);
      return ending;
    },
  };
}

/**
 * A port on which a killed server can come back at once: below the range of outgoing connections, so that nobody is given it
 * meanwhile, not even a client that tries to connect to it again and again.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 12_000 + Math.floor(Math.random() * 8000);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((free) => {
    const probe = createServer();
    probe.once("error", () => free(false));
    probe.listen({ port, host: "127.0.0.1", exclusive: true }, () => probe.close(() => free(true)));
  });
}

function withPort(flags: readonly string[]): readonly string[] {
  return flags.includes("--port") ? flags : ["--port", "0", ...flags];
}

function launch(args: readonly string[], { env = {}, shell }: ProcessOptions): ChildProcess {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(YIFEN_|NODE_OPTIONS)/.test(name));
  const command = [process.execPath, ...args];
  const [first, ...rest] =
    shell === undefined ? command : ["bash", "-c", `${shell}; exec "$@"`, "bash", ...command];
  const child = spawn(first!, rest, {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...Object.fromEntries(inherited), ...env },
  });
  running.add(child);
  child.once("close", () => running.delete(child));
  // Nothing is ever written to it; it breaks when the process is killed.
  child.stdin!.on("error", () => {});
  for (const stream of [child.stdout!, child.stderr!]) stream.setEncoding("utf8");
  return child;
}

function endOf(child: ChildProcess, killAfterMs: number | undefined): Promise<End> {
  let out = "";
  let err = "";
  child.stdout!.on("data", (text: string) => {
    out += text;
  });
  child.stderr!.on("data", (text: string) => {
    err += text;
  });
  const tooLong =
    killAfterMs === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), killAfterMs);
  return new Promise((ended, failed) => {
    child.once("error", failed);
    child.once("close", (code, signal) => {
      clearTimeout(tooLong);
      ended({ code, signal, out, err });
    });
  });
}

function listening(child: ChildProcess, ended: Promise<End>, said: () => string): Promise<string> {
  return new Promise((found, failed) => {
    const tooLong = setTimeout(() => {
      child.kill("SIGKILL");
      failed(new Error(`the server did not listen within ${startWithinMs} ms\n${said()}`));
    }, startWithinMs);
    child.stdout!.on("data", () => {
      const address = /^(?:.*"message":")?listening on (http:\/\/[^\s"]+)/m.exec(said())?.[1];
      if (address === undefined) return;
      clearTimeout(tooLong);
      found(address);
    });
    ended.then(({ code, signal, out, err }) => {
      clearTimeout(tooLong);
      failed(new Error(`the server ended with ${signal ?? `exit code ${code}`}\n${out}${err}`));
    }, failed);
  });
}
