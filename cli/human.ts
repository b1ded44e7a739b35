/** `yifen human`: what only a human can end, in a running engine: look at it, and end it. */

import { Argument, type Command, Option } from "commander";
import type { HumanItem, ResolveHumanParams, Yifen } from "../client/client.js";
import { printable } from "../engine/seams/log-text.js";
import { BadConfig } from "../gateway/host/config.js";
import { withEngine } from "./with-engine.js";

interface Shown {
  readonly url: string;
  readonly json?: boolean;
}

interface Resolution extends Shown {
  readonly reason: string;
  readonly evidence?: string;
  readonly order?: string;
  readonly entry?: ResolveHumanParams["entries"];
  readonly operator?: string;
}

const actions = ["retry", "done", "undone", "entries", "write_off"] as const;

export function addHuman(program: Command): void {
  const human = program
    .command("human")
    .description(
      "what only a human can end: payments that belong to no order, refunds and steps that stand still",
    );
  const add = (name: string, description: string) =>
    human
      .command(name)
      .description(description)
      .addOption(
        new Option("--url <URL>", "the running engine").default("http://127.0.0.1:8080").env("YIFEN_URL"),
      )
      .option("--json", "one JSON document instead of text");

  add("list", "the open items, newest first on each shard")
    .option("--resolved", "those that were resolved instead")
    .action(({ url, json, resolved }: Shown & { resolved?: boolean }) =>
      withEngine(url, async (yifen) => {
        const items = await allItems(yifen, resolved ? "resolved" : "open");
        if (json) console.log(JSON.stringify(items));
        else if (items.length === 0)
          console.log(`nothing ${resolved ? "was resolved" : "waits for a human"}`);
        else for (const item of items) console.log(lineOf(item));
      }),
    );

  add("show", "one item: what failed, how often, what is at risk, and what can be done")
    .argument("<ITEM>")
    .action((item: string, { url, json }: Shown) =>
      withEngine(url, async (yifen) => print(await yifen.human.get(item), json)),
    );

  add("resolve", "end one item")
    .argument("<ITEM>")
    .addArgument(new Argument("<ACTION>", "what to do; `show` says which make sense").choices(actions))
    .requiredOption("--reason <TEXT>", "why; kept for ever")
    .option("--evidence <TEXT>", "what proves it; kept for ever")
    .option("--order <ORDER>", "with retry of a payment: the order that it is for")
    .option(
      "--entry <FROM,TO,AMOUNT>",
      "with entries: move an amount between two ledger accounts; may be repeated",
      entryOf,
    )
    .option("--operator <NAME>", "who says so")
    .action((item: string, action: (typeof actions)[number], options: Resolution) =>
      withEngine(options.url, async (yifen) => {
        const { reason, evidence, order, entry: entries, operator } = options;
        const params = {
          ...{ item, action, reason },
          ...(evidence === undefined ? {} : { evidence }),
          ...(order === undefined ? {} : { order }),
          ...(entries === undefined ? {} : { entries }),
          ...(operator === undefined ? {} : { operator }),
        };
        print(await yifen.human.resolve(params), options.json);
      }),
    );
}

function entryOf(text: string, before: ResolveHumanParams["entries"] = []): ResolveHumanParams["entries"] {
  const [from, to, amount, ...more] = text.split(",");
  if (!from || !to || !amount || more.length > 0)
    throw new BadConfig(`--entry ${text}: FROM,TO,AMOUNT is wanted, as in suspense,wallet:ann,12.50`);
  return [...before, { from, to, amount }];
}

async function allItems(yifen: Yifen, state: HumanItem["state"]): Promise<HumanItem[]> {
  const items: HumanItem[] = [];
  let cursor: string | null = null;
  do {
    const page = await yifen.human.list({ state, ...(cursor === null ? {} : { cursor }) });
    items.push(...page.items);
    cursor = page.cursor;
  } while (cursor !== null);
  return items;
}

function print(item: HumanItem, json: boolean | undefined): void {
  if (json) console.log(JSON.stringify(item));
  else for (const [name, value] of rowsOf(item)) console.log(`${name.padEnd(11)} ${printable(value)}`);
}

function lineOf({
  item,
  kind,
  subject,
  amount,
  currency,
  units,
  attempts,
  error,
  openedAt,
}: HumanItem): string {
  const atRisk = [amount === null ? "" : `${amount} ${currency}`, units === 0 ? "" : `${units} units`];
  const risk = atRisk.filter(Boolean).join(" and ") || "nothing";
  return printable(
    `${item}  ${openedAt}  ${kind} ${subject}: ${risk} at risk, ${attempts} attempts, ${error}`,
  );
}

function rowsOf(item: HumanItem): [string, string][] {
  const { resolution } = item;
  return [
    ["item", `${item.item}, ${item.state}`],
    ["about", `${item.kind} ${item.subject}`],
    ["since", item.openedAt],
    ["failed", `${item.attempts} times, last: ${item.error}`],
    [
      "at risk",
      `${item.amount ?? "no money"} ${item.currency ?? ""}, ${item.units} units`.replace(" ,", ","),
    ],
    ["evidence", JSON.stringify(item.evidence)],
    ...(resolution ? resolutionRows(resolution) : [["actions", item.actions.join(", ")] as [string, string]]),
  ];
}

function resolutionRows({
  action,
  at,
  operator,
  reason,
  evidence,
}: NonNullable<HumanItem["resolution"]>): [string, string][] {
  return [
    ["resolved", `${action} at ${at} by ${operator || "nobody named"}: ${reason}`],
    ["proof", evidence || "none"],
  ];
}
