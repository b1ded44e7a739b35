/** Our own programs as child processes: one argument in, lines of stdout back. */

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { MeasurementFailed } from "./measurement-failed.js";

/** Path of a compiled program of this folder; from the sources (a test), that of the last build. */
export function programPath(name: string): string {
  const place = import.meta.url.endsWith(".ts") ? "../dist/bench/" : "./";
  return fileURLToPath(new URL(`${place}${name}.js`, import.meta.url));
}

/** What the program printed when it exited with 0. Throws `MeasurementFailed` with the end of its stderr otherwise. */
export function runProgram(name: string, argument: string, timeoutMs: number): Promise<string> {
  const child = start(name, argument, timeoutMs);
  const printed = [textOf(child.stdout), textOf(child.stderr)] as const;
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (code === 0) resolve(printed[0]());
      else reject(new MeasurementFailed(`bench/${name}: ${printed[1]().trim() || `exit ${code ?? signal}`}`));
    });
  });
}

export interface Served {
  readonly port: number;
  stop(): Promise<void>;
}

/** Starts a program that prints `listening on PORT` and lives until its stdin closes. */
export function serveProgram(name: string, argument: string): Promise<Served> {
  const child = start(name, argument, 0);
  const printed = [textOf(child.stdout), textOf(child.stderr)] as const;
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  const stop = async () => {
    child.stdin?.end();
    await ended;
  };
  return new Promise((resolve, reject) => {
    child.stdout?.on("data", () => {
      const port = /listening on (\d+)\n/.exec(printed[0]())?.[1];
      if (port !== undefined) resolve({ port: Number(port), stop });
    });
    child.on("error", reject);
    child.on("close", () => reject(new MeasurementFailed(`bench/${name}: ${printed[1]().trim()}`)));
  });
}

function start(name: string, argument: string, timeout: number): ChildProcess {
  const path = programPath(name);
  if (!existsSync(path)) throw new MeasurementFailed(`${path} is not built: npm run build`);
  return spawn(process.execPath, [path, argument], { stdio: ["pipe", "pipe", "pipe"], timeout });
}

function textOf(stream: NodeJS.ReadableStream | null): () => string {
  let text = "";
  stream?.setEncoding("utf8");
  stream?.on("data", (chunk: string) => {
    text += chunk;
  });
  return () => text;
}
