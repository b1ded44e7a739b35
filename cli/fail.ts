/**
 * What a failed command tells the operator: one line that says what is wrong, one that says what to do, and an exit code
 * from the table below. A supervisor restarts after 1 and 6 only: nothing else gets better by itself.
 */

import { CommanderError } from "commander";
import { YifenError } from "../client/error.js";
import { BindingMissing, bindingProblem } from "../gateway/host/bindings.js";
import { BadConfig } from "../gateway/host/config.js";
import { LogAheadOfClock } from "../gateway/host/log-clock.js";
import { MachineUnfit } from "../gateway/host/machine.js";
import { ListenFailed, UnsafeHost } from "../gateway/host/port.js";
import { JournalFailed, LogDamaged } from "../persistence/log/journal.js";
import { FolderInUse } from "../persistence/log/lock.js";
import {
  FolderRefused,
  faultOf,
  type StorageFault,
  StorageUnavailable,
} from "../persistence/log/storage-error.js";

export const exitCodes = {
  /** Stopped by a signal, or the command is done; an audit found nothing wrong. */
  done: 0,
  /** The engine stopped while it ran: storage failed, or a defect. What was answered is on disk. */
  stopped: 1,
  /** The command or a setting cannot be used. */
  usage: 2,
  /** The log or a snapshot is damaged, or an audit found something wrong. */
  damaged: 3,
  /** Something that the command needs is missing on this machine: a tool, a running engine, memory, open files, a version of Node. */
  missing: 4,
  /** The folder cannot be worked on until a human has looked: in use, not whole, another engine's, a newer version's, not ours to write, its log ahead of the clock. */
  refused: 5,
  /** A file cannot be read or written now: the disk is full or does not answer, or the system has no more memory or open files. */
  unavailable: 6,
} as const;

/** Those after which the same command, given again, may succeed with nobody doing anything. */
export const worthRestarting: readonly number[] = [exitCodes.stopped, exitCodes.unavailable];

/** Something outside of the project is not on PATH. */
export class ToolMissing extends Error {
  override readonly name = "ToolMissing";
}

/** Says it on standard error, and with `json` as the one document on standard output as well; the exit code. */
export function fail(failure: unknown, json = false): number {
  const error = bindingProblem(failure) ?? failure;
  if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.done;
  const [code, advice] = verdictOn(error) ?? [exitCodes.stopped, ""];
  const message = error instanceof Error ? error.message : String(error);
  if (json) console.log(JSON.stringify(failureDocument(error, code, message, advice)));
  // Commander has already written its own message.
  if (error instanceof CommanderError) return code;
  console.error(`yifen: ${message}${advice ? `\n       ${advice}` : ""}`);
  // Nobody foresaw it: whoever mends it needs to know where.
  if (verdictOn(error) === undefined && error instanceof Error) console.error(error.stack);
  return code;
}

function failureDocument(error: unknown, exitCode: number, message: string, advice: string): object {
  const [meaning] = Object.entries(exitCodes).find(([, code]) => code === exitCode)!;
  const said = { message: message.replace(/^error: /, ""), ...(advice === "" ? {} : { advice }) };
  if (!(error instanceof YifenError)) return { ok: false, exitCode, error: { code: meaning, ...said } };
  const { code, executed, retryable, details } = error;
  return { ok: false, exitCode, error: { code, message, executed, retryable, details } };
}

type Verdict = readonly [code: number, advice: string];

const seeTheDisk = "nothing is known to be lost: look at the disk, then start again; restore nothing";
const seeTheDamage =
  'keep a copy of the folder as it is, then see "When the log is damaged" in docs/OPERATING.md';

const setTheClock =
  "set the clock right if it is slow, or wait that long, or start with --accept-clock: time then goes on from the log's";

/** Undefined for a defect. */
function verdictOn(error: unknown): Verdict | undefined {
  if (error instanceof BindingMissing) return [exitCodes.missing, ""];
  if (error instanceof CommanderError) return [exitCodes.usage, ""];
  if (error instanceof BadConfig || error instanceof UnsafeHost) return [exitCodes.usage, ""];
  if (error instanceof ListenFailed) return [exitCodes.usage, error.advice];
  if (error instanceof FolderInUse)
    return [exitCodes.refused, "stop the other engine, or choose another --data"];
  if (error instanceof FolderRefused) return [exitCodes.refused, error.wayOn];
  if (error instanceof LogDamaged) return [exitCodes.damaged, seeTheDamage];
  if (error instanceof StorageUnavailable) return [exitCodes.unavailable, seeTheDisk];
  if (error instanceof LogAheadOfClock) return [exitCodes.refused, setTheClock];
  if (error instanceof JournalFailed) {
    // A folder that is gone from under the engine is not there after a restart either.
    if (error.cause instanceof FolderRefused) return [exitCodes.refused, error.cause.wayOn];
    return [exitCodes.stopped, "nothing unsaved was answered; look at the disk, then start again"];
  }
  if (error instanceof YifenError) {
    const details = error.details === undefined ? "" : JSON.stringify(error.details);
    return [
      error.code === "connection_lost" ? exitCodes.missing : exitCodes.usage,
      `${error.code} ${details}`.trim(),
    ];
  }
  if (error instanceof ToolMissing || error instanceof MachineUnfit) return [exitCodes.missing, ""];
  const fault = faultOf(error);
  return fault && ofFault[fault];
}

/** What comes straight from SQLite or the system. */
const ofFault: Readonly<Record<StorageFault, Verdict | undefined>> = {
  damaged: [exitCodes.damaged, seeTheDamage],
  unavailable: [exitCodes.unavailable, seeTheDisk],
  forbidden: [exitCodes.refused, "run as the user that the folder belongs to"],
  defect: undefined,
};
