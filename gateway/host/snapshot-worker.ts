/**
 * A follower: reads the newest snapshot and the log after it, in a thread of its own, and writes the next snapshot. The
 * engine's loop knows nothing of it. Costs the books' memory once more while it runs.
 */

import { parentPort, workerData } from "node:worker_threads";
import { replay } from "../../engine/tables/replay.js";
import { saveBooks, snapshotFormat } from "../../engine/tables/snapshot.js";
import { LogReader } from "../../persistence/log/log-reader.js";
import { writeSnapshot } from "../../persistence/snapshots/snapshot-file.js";
import { readStart } from "./recovery.js";

export interface SnapshotTask {
  readonly folder: string;
  /** Last position wanted: what was durable when the snapshot was asked for. */
  readonly upTo: number;
}

export interface SnapshotDone {
  readonly position: number;
  readonly file: string;
}

const { folder, upTo } = workerData as SnapshotTask;
const { books, point } = readStart(folder);
const reader = new LogReader(folder, { verify: true });
let chainHash = point.hash;
while (books.position < upTo) {
  const groups = reader.readAfter(books.position);
  if (groups.length === 0) break;
  for (const group of groups) {
    replay(books, group);
    chainHash = group.hash;
  }
}
reader.close();
const { file, position } = await writeSnapshot(
  folder,
  { position: books.position, chainHash, format: snapshotFormat },
  saveBooks(books),
);
parentPort?.postMessage({ position, file } satisfies SnapshotDone);
