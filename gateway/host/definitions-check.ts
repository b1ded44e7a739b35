/** What transactions and refunds may be, wherever they come from: an option of `openEngine`, or the file of `--definitions`. */

import { idPattern } from "../edge/id-pattern.js";

/** Each step or part has all of one of these, and may have what follows. */
const sets = [
  { needed: ["do", "undo"], more: ["ask"] },
  { needed: ["try", "confirm", "cancel"], more: [] },
] as const;

const isName = new RegExp(`^${idPattern}$`);

/** What is wrong with them; undefined: nothing. Both are objects. */
export function definitionsProblem(transactions: object, refunds: object): string | undefined {
  for (const [name, definition] of Object.entries(transactions)) {
    const problem = transactionProblem(name, definition);
    if (problem !== undefined) return problem;
  }
  for (const [provider, refund] of Object.entries(refunds)) {
    if (!isName.test(provider)) return `refunds: "${provider}" can be no provider's name`;
    if (typeof refund !== "function") return `refunds: ${provider} is not a function`;
  }
  return undefined;
}

function transactionProblem(name: string, definition: unknown): string | undefined {
  if (!isName.test(name)) return `transactions: "${name}" can be no transaction's name`;
  const { plan, calls } = (definition ?? {}) as { plan?: unknown; calls?: unknown };
  if (typeof plan !== "function" || typeof calls !== "object" || calls === null)
    return `transactions: ${name} is made by neither defineSaga nor defineTcc`;
  for (const [part, functions] of Object.entries(calls)) {
    const wrong = functionsProblem(functions);
    if (wrong !== undefined) return `transactions: ${name}: the call "${part}" ${wrong}`;
  }
  return undefined;
}

function functionsProblem(functions: unknown): string | undefined {
  if (typeof functions !== "object" || functions === null) return "has no functions";
  const given = Object.entries(functions).filter(([, run]) => run !== undefined);
  for (const [verb, run] of given)
    if (typeof run !== "function") return `has a ${verb} that is not a function`;
  const names = given.map(([verb]) => verb);
  const set = sets.find(({ needed }) => names.some((name) => (needed as readonly string[]).includes(name)));
  if (!set) return "has no functions";
  const missing = set.needed.find((verb) => !names.includes(verb));
  if (missing !== undefined) return `lacks ${missing}`;
  const strange = names.find((name) => !([...set.needed, ...set.more] as string[]).includes(name));
  return strange === undefined ? undefined : `has a function ${strange} that nobody calls`;
}
