/** The real server as a process of its own, on a folder of the bench. */

import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { MeasurementFailed } from "./measurement-failed.js";

export interface BenchServer {
  readonly port: number;
  /** The lines that it printed at its start. */
  readonly lines: readonly string[];
  /** Value of a metric, summed over its labels. */
  metrics(): Promise<(name: string) => number>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** SIGTERM and a full drain; throws when it exits with anything but 0. */
  stop(): Promise<void>;
}

const startMsMax = 300_000;
const program = fileURLToPath(new URL("../cli/yifen.js", import.meta.url));

/** Every server that lives: none outlives the bench. */
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

export async function startServer(data: string, flags: readonly string[]): Promise<BenchServer> {
  const child = spawn(process.execPath, [program, "start", "--port", "0", "--data", data, ...flags], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  running.add(child);
  const exited = new Promise<number | null>((resolve) => {
    child.on("exit", (code) => {
      running.delete(child);
      resolve(code);
    });
  });
  const lines: string[] = [];
  const port = await listening(child, lines);
  return {
    port,
    lines,
    metrics: () => scrape(port),
    async kill() {
      child.kill("SIGKILL");
      await exited;
    },
    async stop() {
      child.kill("SIGTERM");
      const code = await exited;
      if (code !== 0) throw new MeasurementFailed(`the server ended with exit code ${code}`);
    },
  };
}

function listening(child: ChildProcess, lines: string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new MeasurementFailed(`the server did not listen within ${startMsMax} ms`));
    }, startMsMax);
    let text = "";
    child.stdout!.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      const found = /listening on http:\/\/\S+:(\d+)\n/.exec(text);
      if (!found) return;
      clearTimeout(timer);
      lines.push(...text.split("\n"));
      text = "";
      resolve(Number(found[1]));
    });
    child.on("exit", (code) => {
      clearTimeout(timer);
      reject(new MeasurementFailed(`the server ended at its start with exit code ${code}`));
    });
  });
}

async function scrape(port: number): Promise<(name: string) => number> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  const text = await response.text();
  return (name) => {
    let sum = 0;
    for (const line of text.split("\n")) {
      if (line.startsWith(`${name} `) || line.startsWith(`${name}{`))
        sum += Number(line.slice(line.lastIndexOf(" ")));
    }
    return sum;
  };
}
