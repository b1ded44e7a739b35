/**
 * The server of the demo: `yifen start` as a process of its own, on a folder, killable.
 *
 * CLI-SERVER-PROCESS-1  At most one process runs at a time. `kill` and `stop` resolve when it is gone.
 * CLI-SERVER-PROCESS-2  A process that ends when nobody asked it to is reported to `died`, with the end of what it said.
 * CLI-SERVER-PROCESS-3  No process outlives the demo: `killNow` can be called from the last synchronous moment of this process, and
 *                       the orphan guard ends the server when this process could not even do that.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export interface ServerOptions {
  readonly folder: string;
  /** The same at every start. */
  readonly port: number;
  /** Holds end so much after what the buyer was told. */
  readonly graceMs: number;
  /** The server ended by itself. */
  readonly died: (error: ServerDied) => void;
}

export class ServerDied extends Error {
  override readonly name = "ServerDied";
}

export interface ServerProcess {
  /** `http://127.0.0.1:PORT`, as the server itself said when it listened. */
  readonly address: string;
  readonly pid: number;
  /** Resolves when it listens. Rejects with `ServerDied`. */
  start(): Promise<void>;
  /** kill -9; the signal that ended it. */
  kill(): Promise<string | null>;
  /** SIGTERM and a drain, kill -9 when that takes too long; the exit code. */
  stop(): Promise<number | null>;
  killNow(): void;
}

const startWithinMs = 30_000;
const stopWithinMs = 10_000;
const saidCharsMax = 4000;

interface Running {
  readonly child: ChildProcess;
  /** Resolves with the address when it listens. */
  readonly listening: Promise<string>;
  readonly ended: Promise<{ code: number | null; signal: string | null }>;
  /** From here on its end is no surprise. */
  expectEnd(): void;
}

/** Not started yet. */
export function createServerProcess(options: ServerOptions): ServerProcess {
  let running: Running | undefined;
  let address = "";
  const end = (signal: "SIGKILL" | "SIGTERM") => {
    if (!running) throw new Error("assertion: the server was never started");
    running.expectEnd();
    running.child.kill(signal);
    return running.ended;
  };
  return {
    get address() {
      return address;
    },
    get pid() {
      return running?.child.pid ?? 0;
    },
    async start() {
      running = launch(options);
      address = await running.listening;
    },
    async kill() {
      return (await end("SIGKILL")).signal;
    },
    async stop() {
      const tooLong = setTimeout(() => running?.child.kill("SIGKILL"), stopWithinMs);
      const { code } = await end("SIGTERM");
      clearTimeout(tooLong);
      return code;
    },
    killNow() {
      running?.expectEnd();
      running?.child.kill("SIGKILL");
    },
  };
}

function launch({ folder, port, graceMs, died }: ServerOptions): Running {
  const command = ["start", "--port", String(port), "--data", folder, "--grace-ms", String(graceMs)];
  const guard = new URL("./orphan-guard.js", import.meta.url).href;
  const program = fileURLToPath(new URL("../yifen.js", import.meta.url));
  const child = spawn(process.execPath, ["--import", guard, program, ...command], {
    stdio: ["pipe", "pipe", "pipe"],
    env: ownEnvironment(),
  });
  let expected = false;
  let said = "";
  const ended: Running["ended"] = new Promise((resolve) => {
    child.on("close", (code, signal) => resolve({ code, signal }));
  });
  const listening: Running["listening"] = new Promise((resolve, reject) => {
    const surprised = (what: string) => {
      if (expected) return;
      const error = new ServerDied(`the server ${what}\n${said.trimEnd()}`);
      reject(error);
      died(error);
    };
    const tooLong = setTimeout(() => surprised(`was not listening after ${startWithinMs} ms`), startWithinMs);
    const heard = (text: string) => {
      said = (said + text).slice(-saidCharsMax);
      const found = /^listening on (http:\/\/\S+)$/m.exec(said)?.[1];
      if (found === undefined) return;
      clearTimeout(tooLong);
      resolve(found);
    };
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", heard);
    child.on("error", (error) => surprised(`could not be started: ${error.message}`));
    child.on("close", (code, signal) => {
      clearTimeout(tooLong);
      surprised(`ended with ${signal ?? `exit code ${code}`}`);
    });
  });
  // The pipe breaks when the server is killed; nothing is ever written to it.
  child.stdin.on("error", () => {});
  const expectEnd = () => {
    expected = true;
  };
  return { child, listening, ended, expectEnd };
}

/** Settings that somebody keeps for another server do not belong to this one. */
function ownEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("YIFEN_")));
}
