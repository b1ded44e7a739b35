#!/usr/bin/env node
/**
 * Where the command line begins: looks first whether this Node can run it at all, then loads it. With too few open files Node's own
 * loader fails, in words that lead elsewhere ("Cannot find package"), and an old Node does not know what is used here.
 */

import { checkFiles, checkNode } from "../gateway/host/machine.js";

try {
  checkNode();
  checkFiles(1);
} catch (error) {
  console.error(`yifen: ${(error as Error).message}`);
  // `exitCodes.missing`, which is in what cannot be loaded yet.
  process.exit(4);
}
await import("./program.js");
