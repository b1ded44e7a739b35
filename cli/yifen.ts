#!/usr/bin/env node
/**
 * Where the command line begins: looks first whether this Node can run it at all, then loads it. With too few open files Node's own
 * loader fails, in words that lead elsewhere ("Cannot find package"), and an old Node does not know what is used here.
 */

import { bindingProblem } from "../gateway/host/bindings.js";
import { checkFiles, checkNode } from "../gateway/host/machine.js";

// Whoever reads what is said may go away (`yifen start | head -1`): that is no reason to end a server that others use.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});

try {
  checkNode();
  checkFiles(1);
  await import("./program.js");
} catch (error) {
  const { message } = bindingProblem(error) ?? (error as Error);
  // `exitCodes.missing`, which is in what cannot be loaded yet.
  const exitCode = 4;
  if (process.argv.includes("--json"))
    console.log(JSON.stringify({ ok: false, exitCode, error: { code: "missing", message } }));
  console.error(`yifen: ${message}`);
  process.exit(exitCode);
}
