/**
 * What a failed command tells the operator: one line that says what to do, and an exit code that means something.
 *
 *   0  done; an audit found nothing wrong
 *   1  the engine stopped: storage failed, or a defect
 *   2  the command or a setting cannot be used
 *   3  the folder is in use or the log is damaged, or an audit found something wrong
 *   4  something that the command needs is missing on this machine, a running engine for instance
 */

import { CommanderError } from "commander";
import { YifenError } from "../client/error.js";
import { BadConfig } from "../gateway/host/config.js";
import { ListenFailed, UnsafeHost } from "../gateway/socket-server.js";
import { JournalFailed, LogDamaged } from "../persistence/log/journal.js";
import { FolderInUse } from "../persistence/log/lock.js";

export const exitCodes = { done: 0, stopped: 1, usage: 2, damaged: 3, missing: 4 } as const;

/** Something outside of the project is not on PATH. */
export class ToolMissing extends Error {
  override readonly name = "ToolMissing";
}

/** Says it on standard error; the exit code. */
export function fail(error: unknown): number {
  // Commander has already written its own message.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  const [code, advice] = verdict(error);
  const message = error instanceof Error ? error.message : String(error);
  console.error(`yifen: ${message}${advice ? `\n       ${advice}` : ""}`);
  if (code === exitCodes.stopped && error instanceof Error && !(error instanceof JournalFailed)) {
    console.error(error.stack);
  }
  return code;
}

function verdict(error: unknown): readonly [code: number, advice: string] {
  if (error instanceof BadConfig || error instanceof UnsafeHost) return [exitCodes.usage, ""];
  if (error instanceof ListenFailed) return [exitCodes.usage, "choose another --port, or 0 for a free one"];
  if (error instanceof FolderInUse)
    return [exitCodes.damaged, "stop the other engine, or choose another --data"];
  if (error instanceof LogDamaged) {
    return [
      exitCodes.damaged,
      'keep a copy of the folder as it is, then see "When the log is damaged" in docs/OPERATING.md',
    ];
  }
  if (error instanceof JournalFailed) {
    return [exitCodes.stopped, "nothing unsaved was answered; look at the disk, then start again"];
  }
  if (error instanceof YifenError) {
    const details = error.details === undefined ? "" : JSON.stringify(error.details);
    return [
      error.code === "connection_lost" ? exitCodes.missing : exitCodes.usage,
      `${error.code} ${details}`.trim(),
    ];
  }
  if (error instanceof ToolMissing) return [exitCodes.missing, ""];
  return [exitCodes.stopped, ""];
}
