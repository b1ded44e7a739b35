/** `yifen verify`: reads every byte of the log and the snapshots of a folder and proves them. Nothing is changed. */

import { type Command, Option } from "commander";
import { readDataFolder, shardFolder } from "../gateway/host/data-folder.js";
import { hex } from "../persistence/log/hash-chain.js";
import { checkLog } from "../persistence/log/log-check.js";
import { listSnapshots, readSnapshot } from "../persistence/snapshots/snapshot-file.js";
import { startProgress } from "./progress.js";

interface VerifiedShard {
  readonly shard: number;
  readonly groups: number;
  readonly position: number;
  readonly chainHash: string;
  readonly snapshots: number;
}

export function addVerify(program: Command): void {
  program
    .command("verify")
    .description("prove that the log and the snapshots are what was written (hash chain, -wal, anchor)")
    .addOption(new Option("--data <FOLDER>", "folder of the engine").default("./data").env("YIFEN_DATA"))
    .option("--json", "one JSON document instead of text")
    .action(({ data, json }: { data: string; json?: boolean }) => {
      const shards = Array.from({ length: readDataFolder(data).shards }, (_, shard) =>
        verifyShard(data, shard),
      );
      if (json) console.log(JSON.stringify({ ok: true, shards }));
      else for (const line of shards.map(describe)) console.log(line);
    });
}

/** Throws `LogDamaged` with the file and the place. */
function verifyShard(data: string, shard: number): VerifiedShard {
  const folder = shardFolder(data, shard);
  const progress = startProgress(`shard ${shard}`);
  const { end, groups } = checkLog({ folder, visit: (group) => progress.at(group.last, "facts") });
  const snapshots = listSnapshots(folder);
  for (const { file } of snapshots) {
    for (const chunk of readSnapshot(file).chunks()) if (chunk.length === 0) break;
  }
  progress.done();
  return { shard, groups, position: end.position, chainHash: hex(end.hash), snapshots: snapshots.length };
}

function describe({ shard, groups, position, chainHash, snapshots }: VerifiedShard): string {
  return `shard ${shard}: ok, ${groups} groups, ${position} facts, ${snapshots} snapshots, chain ${chainHash}`;
}
