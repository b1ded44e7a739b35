/**
 * The server of the demo: `yifen start` as a process of its own, on a folder, killable.
 *
 * P1  At most one process runs at a time. `kill` and `stop` resolve when it is gone.
 * P2  A process that ends when nobody asked it to is reported to `died`, with the end of what it said.
 * P3  No process outlives the demo: `killNow` can be called from the last synchronous moment of this process, and
 *     the orphan guard ends the server when this process could not even do that.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export interface ServerOptions {
  readonly folder: string;
  /** Holds end so much after what the buyer was told. */
  readonly graceMs: number;
  /** The server ended by itself. */
  readonly died: (error: ServerDied) => void;
}

export class ServerDied extends Error {
  override readonly name = "ServerDied";
}

export interface ServerProcess {
  /** `http://127.0.0.1:PORT`, the same over every restart. */
  readonly address: string;
  readonly pid: number;
  /** kill -9; the signal that ended it. */
  kill(): Promise<string | null>;
  /** The same server again, on the same folder and port. Resolves when it listens. */
  restart(): Promise<void>;
  /** SIGTERM and a drain, kill -9 when that takes too long; the exit code. */
  stop(): Promise<number | null>;
  killNow(): void;
}

const startWithinMs = 30_000;
const stopWithinMs = 10_000;
const saidCharsMax = 4000;

interface Running {
  readonly child: ChildProcess;
  readonly port: number;
  readonly ended: Promise<{ code: number | null; signal: string | null }>;
  /** From here on its end is no surprise. */
  expectEnd(): void;
}

/** Starts it on a free port. Rejects with `ServerDied`. */
export async function startServerProcess(options: ServerOptions): Promise<ServerProcess> {
  let latest: ChildProcess | undefined;
  const launch = (port: number) =>
    start(options, port, (child) => {
      latest = child;
    });
  let running = await launch(0);
  const { port } = running;
  return {
    address: `http://127.0.0.1:${port}`,
    get pid() {
      return running.child.pid ?? 0;
    },
    async kill() {
      running.expectEnd();
      running.child.kill("SIGKILL");
      return (await running.ended).signal;
    },
    async restart() {
      running = await launch(port);
    },
    async stop() {
      running.expectEnd();
      running.child.kill("SIGTERM");
      const tooLong = setTimeout(() => running.child.kill("SIGKILL"), stopWithinMs);
      const { code } = await running.ended;
      clearTimeout(tooLong);
      return code;
    },
    killNow: () => {
      latest?.kill("SIGKILL");
    },
  };
}

function start(
  { folder, graceMs, died }: ServerOptions,
  port: number,
  spawned: (child: ChildProcess) => void,
): Promise<Running> {
  const command = ["start", "--port", String(port), "--data", folder, "--grace-ms", String(graceMs)];
  const guard = new URL("./orphan-guard.js", import.meta.url).href;
  const program = fileURLToPath(new URL("../yifen.js", import.meta.url));
  const child = spawn(process.execPath, ["--import", guard, program, ...command], {
    stdio: ["pipe", "pipe", "pipe"],
    env: ownEnvironment(),
  });
  spawned(child);
  let expected = false;
  let said = "";
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.on("close", (code, signal) => resolve({ code, signal }));
  });
  return new Promise((resolve, reject) => {
    const surprised = (what: string) => {
      const error = new ServerDied(`the server ${what}\n${said.trimEnd()}`);
      reject(error);
      if (!expected) died(error);
    };
    const tooLong = setTimeout(() => surprised(`was not listening after ${startWithinMs} ms`), startWithinMs);
    const heard = (text: string) => {
      said = (said + text).slice(-saidCharsMax);
      const listening = /^listening on http:\/\/\S+:(\d+)$/m.exec(said)?.[1];
      if (listening === undefined) return;
      clearTimeout(tooLong);
      resolve({ child, port: Number(listening), ended, expectEnd });
    };
    const expectEnd = () => {
      expected = true;
    };
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", heard);
    child.on("error", (error) => surprised(`could not be started: ${error.message}`));
    child.on("exit", (code, signal) => {
      clearTimeout(tooLong);
      if (!expected) surprised(`ended with ${signal ?? `exit code ${code}`}`);
    });
    child.stdin.on("error", () => {});
  });
}

/** Settings that somebody keeps for another server do not belong to this one. */
function ownEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("YIFEN_")));
}
