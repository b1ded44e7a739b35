/** `yifen explain`: the entries that make a number, one line each, and what they come to. */

import { Argument, type Command, Option } from "commander";
import { printable } from "../engine/seams/log-text.js";
import { BadConfig } from "../gateway/host/config.js";
import { explainFolder } from "../gateway/host/explain-run.js";
import {
  columns,
  type Explained,
  type ExplainedEntry,
  type Explanation,
  explained,
  formatUnits,
} from "../persistence/audit/explain.js";
import { exitCodes } from "./fail.js";

export function addExplain(program: Command): void {
  program
    .command("explain")
    .description("list the entries of the ledger that make a number, from the log")
    .addArgument(new Argument("<what>", "what of it").choices(explained))
    .argument("<key>", "product, account or order")
    .addOption(new Option("--data <FOLDER>", "folder of the engine").default("./data").env("YIFEN_DATA"))
    .option("--json", "one JSON document instead of text")
    .action((what: Explained, key: string, { data, json }: { data: string; json?: boolean }) => {
      const print = json ? printJson : printText;
      const explanation = print(what, explainFolder(data, what, key));
      if (!explanation)
        throw new BadConfig(`explain ${what} ${key}: there is nothing of that name in ${data}`);
      process.exitCode = isRight(explanation) ? exitCodes.done : exitCodes.damaged;
    });
}

type Entries = Generator<ExplainedEntry, Explanation | undefined>;

function isRight({ total, books, firstBad }: Explanation): boolean {
  return firstBad === undefined && total.every((sum, column) => sum === books[column]);
}

function printText(what: Explained, entries: Entries): Explanation | undefined {
  const names = columns[what].map((name) => titles[name]);
  let head = true;
  for (let next = entries.next(); ; next = entries.next()) {
    if (next.done) {
      if (next.value) console.log(closing(what, next.value));
      return next.value;
    }
    if (head) console.log(line(what, ["position", "time", "what", "order, ref"], names.flatMap(headOf)));
    head = false;
    const { position, time, what: fact, of, amounts, balances, unit } = next.value;
    const cells = amounts.flatMap((amount, column) => [
      signed(amount, unit),
      formatUnits(balances[column]!, unit),
    ]);
    console.log(printable(line(what, [String(position), new Date(time).toISOString(), fact, of], cells)));
  }
}

const titles = {
  available: "available",
  held: "held",
  sold: "sold",
  balance: "balance",
  points: "points",
  inOrder: "in order",
  toRefund: "to refund",
} as const;

/** What came or went, and what was there then. */
function headOf(name: string): string[] {
  return ["", name];
}

function signed(amount: number, unit: string): string {
  if (amount === 0) return "";
  return `${amount > 0 ? "+" : ""}${formatUnits(amount, unit)}`;
}

function line(what: Explained, start: readonly string[], cells: readonly string[]): string {
  const [position, time, fact, of] = start as [string, string, string, string];
  const width = what === "stock" ? 10 : 13;
  const head = `${position.padStart(9)}  ${time.padEnd(24)}  ${fact.padEnd(18)} ${of.padEnd(22)}`;
  return head + cells.map((cell) => cell.padStart(width)).join("");
}

function closing(what: Explained, { entries, total, books, unit, firstBad }: Explanation): string {
  const sums = (of: readonly number[]) =>
    columns[what].map((name, column) => `${formatUnits(of[column]!, unit)} ${titles[name]}`).join(", ");
  const same = total.every((sum, column) => sum === books[column]);
  const verdict = same ? "the books say the same" : `the books say ${sums(books)}`;
  const end = `${entries} ${entries === 1 ? "entry" : "entries"}: ${sums(total)}; ${verdict}`;
  if (firstBad === undefined) return end;
  return `${end}\nthe log is wrong at position ${firstBad} already: run \`yifen audit\``;
}

/** One document, written as it comes: its entries may be millions. Nothing of it before the first one is there. */
function printJson(what: Explained, entries: Entries): Explanation | undefined {
  let before = '{"entries":[\n';
  for (let next = entries.next(); ; next = entries.next()) {
    if (!next.done) {
      const { amounts, balances, time, unit, ...entry } = next.value;
      const figures = { amounts: named(what, amounts, unit), after: named(what, balances, unit) };
      const text = JSON.stringify({ ...entry, time: new Date(time).toISOString(), ...figures });
      process.stdout.write(before + text);
      before = ",\n";
      continue;
    }
    if (!next.value) return undefined;
    const { entries: count, total, books, unit, firstBad = null } = next.value;
    const sums = { total: named(what, total, unit), books: named(what, books, unit) };
    const end = JSON.stringify({ ok: isRight(next.value), count, ...sums, firstBad });
    process.stdout.write(`${before === ",\n" ? "" : before}],\n${end.slice(1)}\n`);
    return next.value;
  }
}

/** Money as decimal text, units and points as numbers. */
function named(what: Explained, of: readonly number[], unit: string): Record<string, string | number> {
  const money = what === "balance" || what === "order";
  return Object.fromEntries(
    columns[what].map((name, column) => [name, money ? formatUnits(of[column]!, unit) : of[column]!]),
  );
}
