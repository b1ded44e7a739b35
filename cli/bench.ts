/** `yifen bench`: measures this machine, and everything beside it. */

import { writeFileSync } from "node:fs";
import type { Command } from "commander";

interface Flags {
  readonly quick?: boolean;
  readonly folder?: string;
  readonly output?: string;
  readonly json?: boolean;
}

export function addBench(program: Command): void {
  program
    .command("bench")
    .description(
      "measure orders per second and latencies, beside the disk, the sockets and Redis, in one run",
    )
    .option("--quick", "about a minute and a half instead of ten; a smaller shop, single runs")
    .option("--folder <FOLDER>", "where the log goes, on the disk to be measured; removed afterwards")
    .option("--output <FILE>", "write the document that docs/benchmarks.md is made from")
    .option("--json", "the same as one JSON document on standard output")
    .action(async ({ quick = false, folder, output, json }: Flags) => {
      const { runBench } = await import("../bench/run.js");
      const say = (line: string) => console.error(line);
      const document = await runBench({ quick, say, ...(folder === undefined ? {} : { folder }) });
      const text = `${JSON.stringify(document, undefined, 2)}\n`;
      if (json) process.stdout.write(text);
      if (output !== undefined) writeFileSync(output, text);
      for (const [name, value] of Object.entries(document.ratios))
        say(`${name}: ${Number(value).toFixed(3)}`);
    });
}
