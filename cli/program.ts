/**
 * The command line: what there is, and what each part needs. The work is in the files beside this one, which load what they
 * work with when they are asked to: half a second that `--help` and a mistyped flag do not have.
 */

import { Command } from "commander";
import { addAudit } from "./audit.js";
import { addBench } from "./bench.js";
import { addDemo } from "./demo.js";
import { addExplain } from "./explain.js";
import { exitCodes, fail } from "./fail.js";
import { addHuman } from "./human.js";
import { addOutlets } from "./outlets.js";
import { addStart } from "./start.js";
import { addVerify } from "./verify.js";

const program = new Command("yifen")
  .description(
    "Durable, exactly-once, in-memory trading engine: stock, money and orders. Not one cent may be wrong.",
  )
  .version("0.1.0")
  .showHelpAfterError()
  .exitOverride();

for (const add of [addStart, addDemo, addAudit, addExplain, addVerify, addOutlets, addHuman, addBench])
  add(program);

try {
  await program.parseAsync();
} catch (error) {
  const code = fail(error, process.argv.includes("--json"));
  // At once: when a package throws while it is loaded, Node 20 rejects a second promise that nobody has.
  if (code === exitCodes.missing) process.exit(code);
  process.exitCode = code;
}
