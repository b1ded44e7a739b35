/** `yifen outlets`: how far they have come, what they could not deliver, and one more attempt at it; also while the engine runs. */

import { existsSync } from "node:fs";
import { Argument, type Command, Option } from "commander";
import { printable } from "../engine/seams/log-text.js";
import { BadConfig } from "../gateway/host/config.js";
import { outletsFile, readDataFolder, shardFolder } from "../gateway/host/data-folder.js";
import { logEnd } from "../persistence/log/log-reader.js";
import { whileUsing } from "../persistence/log/storage-error.js";
import { othersOutlets } from "../persistence/outlets/outlet-schema.js";
import { type DeadLetter, OutletStore } from "../persistence/outlets/outlet-store.js";

interface Shown {
  readonly data: string;
  readonly json?: boolean;
}

export function addOutlets(program: Command): void {
  const outlets = program
    .command("outlets")
    .description("where events go besides the feed: webhook, event log, functions");
  const add = (name: string, description: string) =>
    outlets
      .command(name)
      .description(description)
      .addOption(new Option("--data <FOLDER>", "folder of the engine").default("./data").env("YIFEN_DATA"))
      .option("--json", "one JSON document instead of text");

  add("status", "how far each outlet has come, and how many events it could not deliver").action(
    ({ data, json }: Shown) => withStore(data, (store) => print(statusOf(store, data), json, statusLine)),
  );
  add("dead", "the events that could not be delivered, oldest first").action(({ data, json }: Shown) =>
    withStore(data, (store) => print(store.letters(), json, letterLine)),
  );
  add("retry", "ask for one more attempt at a dead letter, or at all of them")
    .addArgument(new Argument("[ID]", "number of the letter").argParser(letterNumber))
    .option("--all", "all of them")
    .action((id: number | undefined, { data, json, all }: Shown & { all?: boolean }) => {
      if ((id === undefined) === (all === undefined))
        throw new BadConfig("outlets retry: either an ID or --all");
      withStore(data, (store) => {
        const wanted = store.want(id ?? "all");
        if (id !== undefined && wanted === 0) throw new BadConfig(`there is no dead letter ${id}`);
        print([{ wanted }], json, wantedLine);
      });
    });
}

function withStore(data: string, work: (store: OutletStore) => void): void {
  const { engine } = readDataFolder(data);
  const file = outletsFile(data);
  if (!existsSync(file))
    throw new BadConfig(`--data ${data}: no outlet has ever run here (${file} is missing)`);
  const store = whileUsing(file, "read", () => new OutletStore(file, true));
  try {
    const owner = whileUsing(file, "read", () => store.owner());
    if (owner !== undefined && engine !== undefined && owner !== engine)
      throw othersOutlets(file, owner, engine);
    whileUsing(file, "read", () => work(store));
  } finally {
    store.close();
  }
}

interface Status {
  readonly outlet: string;
  readonly shard: number;
  readonly position: number;
  /** Facts of the shard that it has not come to. */
  readonly lag: number;
  /** Dead letters of this shard. */
  readonly dead: number;
}

function statusOf(store: OutletStore, data: string): Status[] {
  const letters = store.letters();
  return store.cursors().map(({ outlet, shard, position }) => ({
    outlet,
    shard,
    position,
    lag: Math.max(0, logEnd(shardFolder(data, shard)) - position),
    dead: letters.filter((letter) => letter.outlet === outlet && letter.shard === shard).length,
  }));
}

function print<T>(rows: readonly T[], json: boolean | undefined, line: (row: T) => string): void {
  if (json) console.log(JSON.stringify(rows));
  else for (const row of rows) console.log(printable(line(row)));
}

function statusLine({ outlet, shard, position, lag, dead }: Status): string {
  return `${outlet}, shard ${shard}: at position ${position}, ${lag} facts behind, ${dead} dead letters`;
}

function letterLine({
  id,
  outlet,
  shard,
  seq,
  type,
  attempts,
  failedAtMs,
  error,
  wanted,
}: DeadLetter): string {
  const at = new Date(failedAtMs).toISOString();
  const again = wanted ? ", to be tried again" : "";
  return `${id}  ${outlet}  ${shard}:${seq}  ${type}  ${attempts} attempts, last ${at}${again}: ${error}`;
}

function wantedLine({ wanted }: { wanted: number }): string {
  return `${wanted} to be tried again, once each: now if the engine runs, else when it starts`;
}

function letterNumber(given: string): number {
  if (!/^[1-9][0-9]{0,15}$/.test(given))
    throw new BadConfig(`outlets retry: "${given}" is not a number of a letter`);
  return Number(given);
}
