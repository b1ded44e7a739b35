/** Runs `persistence-child` as a real process, from the build. */

import { type ChildProcess, spawn } from "node:child_process";
import { resolve } from "node:path";

export const childProgram = resolve("dist/test/support/persistence-child.js");

export interface ChildEnd {
  readonly code: number | null;
  readonly lines: readonly string[];
  /** The last position that the child was told is durable, whole lines only. */
  readonly promised: number;
  readonly errors: string;
}

/** Starts a program and collects its lines; `onLine` may kill it. */
export function run(
  command: readonly string[],
  env: Record<string, string> = {},
  onLine: (line: string, child: ChildProcess) => void = () => {},
): Promise<ChildEnd> {
  const child = spawn(command[0]!, command.slice(1), { env: { ...process.env, ...env } });
  let text = "";
  let errors = "";
  child.stderr.on("data", (part: Buffer) => {
    errors += part.toString();
  });
  child.stdout.on("data", (part: Buffer) => {
    const from = text.lastIndexOf("\n") + 1;
    text += part.toString();
    for (const line of text.slice(from, text.lastIndexOf("\n") + 1).split("\n"))
      if (line) onLine(line, child);
  });
  return new Promise((done, failed) => {
    child.on("error", failed);
    child.on("close", (code) => {
      const lines = text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
      const positions = lines.filter((line) => /^\d+$/.test(line)).map(Number);
      const opened = Number(/^open (\d+)$/m.exec(text)?.[1] ?? 0);
      done({ code, lines, promised: positions.at(-1) ?? opened, errors });
    });
  });
}
