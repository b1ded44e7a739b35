/** `--definitions FILE`: a module that exports `transactions` and `refunds`. It runs in the engine's process. */

import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { BadConfig } from "./config.js";
import { definitionsProblem } from "./definitions-check.js";
import type { Definitions } from "./transactions.js";

/** Throws `BadConfig` when there is no such module, it throws, or exports something else. "" = none. */
export async function loadDefinitions(file: string): Promise<Definitions> {
  if (file === "") return { transactions: {}, refunds: {} };
  let loaded: Partial<Record<string, unknown>>;
  try {
    loaded = (await import(pathToFileURL(resolve(file)).href)) as Partial<Record<string, unknown>>;
  } catch (error) {
    throw new BadConfig(`--definitions ${file}: ${(error as Error).message}`);
  }
  const { transactions = {}, refunds = {} } = loaded;
  for (const [name, exported] of Object.entries({ transactions, refunds })) {
    if (typeof exported !== "object" || exported === null)
      throw new BadConfig(`--definitions ${file}: ${name} is not an object`);
  }
  const problem = definitionsProblem(transactions as object, refunds as object);
  if (problem !== undefined) throw new BadConfig(`--definitions ${file}: ${problem}`);
  return { transactions, refunds } as Definitions;
}
