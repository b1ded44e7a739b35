/** The thread that follows the logs of a folder and delivers their events: nothing of it runs in the engine's loop. */

import { parentPort, workerData } from "node:worker_threads";
import { OutletStore } from "../../persistence/outlets/outlet-store.js";
import { shardFolder } from "../host/data-folder.js";
import { fileSource } from "./log-source.js";
import { type OutletTask, runOutlets } from "./outlet-run.js";

/** What the worker is started with. */
export interface OutletWorkerTask extends OutletTask {
  readonly folder: string;
}

const port = parentPort!;
const task = workerData as OutletWorkerTask;
const running = runOutlets(
  task,
  new OutletStore(task.file, true),
  (shard) => fileSource(shard, shardFolder(task.folder, shard)),
  (line) => port.postMessage(line),
);
port.once("message", () => {
  void running.stop().then(() => port.close());
});
