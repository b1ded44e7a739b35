/** As `sentences`, for the pages of those who run it and build it. */

import type { Sentence } from "./sentences.js";

const operating: readonly (readonly [sentence: string, file: string, test: string])[] = [
  [
    "Settings are looked for in the flags, then in the environment",
    "cli/settings",
    "a flag beats the environment",
  ],
  [
    "standard output has one JSON document and nothing else",
    "cli/commands",
    "is one JSON document with the exit code",
  ],
  [
    "each a line of JSON with `time`, `level` and `msg`",
    "cli/streams",
    "the log is JSON with time and level",
  ],
  [
    "begins with `YIFEN_` and is no setting is told",
    "gateway/host/engine-options",
    "looks like a setting and is none",
  ],
  ["Secrets are printed as `set`", "cli/settings", "a secret is never shown"],
  [
    "A setting that cannot be used, in any of the three places",
    "cli/settings",
    "refused wherever it comes from",
  ],
  ["and what was taken before is answered", "crash/storage", "SIGTERM under load"],
  ["The same signal once more ends it at once", "crash/storage", "told twice"],
  ["A second one is refused with exit code 5", "crash/storage", "two engines on one folder"],
  [
    "before it reads a log or makes a file",
    "gateway/host/folder-start",
    "nothing is made before the lock is held",
  ],
  [
    "A start with less says so in one line and ends with 4",
    "gateway/host/machine",
    "a start with too few open files",
  ],
  ["followed forward within a second", "crash/clock", "two hours forward and back"],
  ["what the clock has skipped does not count as age", "engine/turns/clock-jumps", "jumps or not"],
  ["ahead of the wall clock is refused with exit code 5", "crash/clock", "refused with the way on; accepted"],
  [
    "a start without it is refused, and says how to make a new one",
    "gateway/host/data-folder",
    "a lost token.key",
  ],
  ["Files are made for their owner alone", "gateway/host/folder-start", "made for its owner alone"],
  ["It never tries an fsync again", "persistence/log/write-failure", "is never tried again"],
  ["the process answers nobody any more and exits 1", "crash/storage", "a log that may not grow"],
  ["is not served: exit code 3 and the place", "crash/storage", "a flipped bit in the log"],
  [
    "nobody is answered from removed files",
    "gateway/host/folder-start",
    "removed, moved or replaced under a running",
  ],
  [
    "they exit 5, with the place and what can be done",
    "gateway/host/data-folder",
    "every command says it in one line",
  ],
  ["is taken over at its first start", "gateway/host/data-folder", "is opened, looked at, and opened again"],
  ["and a start without room exits 6", "gateway/host/folder-start", "a full disk at the start"],
  ["proves that it reached M", "crash/storage", "a log without its end"],
  ["delete that file. The log is whole without it", "crash/storage", "a flipped bit in a snapshot"],
  ["Everything else is done as usual", "crash/storage", "a disk that is nearly full"],
  ["one audit at a time, others are `overloaded`", "gateway/embedded", "one audit at a time"],
  [
    "It is called **at least once**, after its intent is on disk",
    "gateway/host/transactions",
    "is made again, under the same id",
  ],
  ["asked to stop by `signal`", "gateway/host/call-runner", "a run that takes longer is failed"],
  [
    "is called once more, by a call with a number of its own",
    "gateway/host/transactions",
    "after it was undone is undone again",
  ],
  [
    "Each event is delivered at least once, those of a shard in their order",
    "crash/outlets",
    "at least once, in order",
  ],
  ["before the engine answers anybody", "crash/outlets", "kill -9 in the first moments"],
  ["redirects are not followed", "gateway/outlets/outlets", "WEBHOOK-1: %i does not"],
  [
    "An array that fails is sent again event by event",
    "gateway/outlets/outlets",
    "put aside alone, also out of an array",
  ],
  ["None is ever removed", "gateway/outlets/outlets", "none is ever removed"],
  ["What cannot be written is tried until it can be", "gateway/outlets/outlets", "is tried until it can be"],
  ["A stop finishes the delivery that has begun", "crash/outlets", "SIGTERM finishes the delivery"],
  ["the engine runs without outlets, says so", "crash/outlets", "serves without outlets"],
  [
    "is shorter than what was delivered, the outlets say so",
    "gateway/outlets/outlets",
    "a log that is shorter",
  ],
  [
    "built again if it is deleted, damaged or of another version",
    "persistence/read/read-model",
    "cannot be right is built again",
  ],
  ["It changes nothing. It says nothing about", "cli/commands", "none of them changes the folder"],
  ["All three run on the folder of a running engine", "cli/commands", "explain beside a running engine"],
];

const architecture: typeof operating = [
  ["No cycles, types included", "architecture", "over however many others, types included"],
  ["that every label is cited by a test", "architecture", "every invariant of what ships is cited"],
  ["`gateway` everything but `cli`", "architecture", "imports the command line, the bench or the examples"],
  ["No clock, no randomness, no I/O", "architecture", "rules and engine do not know %s"],
];

export const operatingSentences: readonly Sentence[] = [
  ...operating.map((row) => ["docs/OPERATING.md", ...row] as const),
  ...architecture.map((row) => ["docs/ARCHITECTURE.md", ...row] as const),
];
