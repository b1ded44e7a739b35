/**
 * What `openEngine` takes, held to the same parsers and bounds as the flags of `yifen start`. A type that TypeScript checks is no
 * check for who writes JavaScript, and no type excludes NaN: `graceMs: "500"` made holds that never ended.
 */

import { nearest } from "../../actors/nearest.js";
import {
  callback,
  milliseconds,
  oneOf,
  optionProblem,
  type Rule,
  type Rules,
  sessionRules,
  text,
  wholeNumber,
  yesOrNo,
} from "../../client/options.js";
import type { SessionOptions } from "../../client/session.js";
import type { TimeSource } from "../../engine/seams/clock.js";
import type { Settings } from "../../engine/seams/settings.js";
import { eventFileProblem } from "../outlets/event-file.js";
import type {
  EventFileSetup,
  FunctionSetup,
  OutletFunction,
  OutletSetup,
  WebhookSetup,
} from "../outlets/outlet.js";
import { BadConfig, type SettingName, settingsTable } from "./config.js";
import { definitionsProblem } from "./definitions-check.js";
import type { Definitions } from "./transactions.js";

export interface EngineOptions extends SessionOptions, Partial<Omit<Settings, "tokenSecret">> {
  /** Folder of the log. Left out: in memory, and nothing survives the program. */
  readonly data?: string;
  /** Shards in this process, fixed once the folder is made. Default 1. */
  readonly shards?: number;
  /** Sagas and TCCs by name, for `transactions.begin`. */
  readonly transactions?: Definitions["transactions"];
  /** How money goes back through each payment provider, by its name. */
  readonly refunds?: Definitions["refunds"];
  /** How long a function of yours may take until nobody knows what it did. Default 30,000. */
  readonly callTimeoutMs?: number;
  /** The clock that the engine lives by. Default: the machine's. `manualClock()` is one that a test moves by hand. */
  readonly clock?: TimeSource;
  /**
   * Open a folder whose log is more than a minute ahead of the clock, which is refused otherwise (`LogAheadOfClock`): time
   * then goes on from the log's. Default false.
   */
  readonly acceptClock?: boolean;
  /** A line when something keeps failing. Default: silent. */
  readonly alert?: (line: string) => void;
  /** Lines about recovery. Default: silent. */
  readonly progress?: (line: string) => void;
  /**
   * The disk failed or a defect was found: every open and later call fails, nothing more is answered. Default: the process
   * ends with exit code 1, because what was promised to nobody yet must not be served from memory.
   */
  readonly failed?: (error: unknown) => void;
  /**
   * Where events go once they are durable, each at least once and those of a shard in order. A function is called with one
   * event at a time and delivers it by resolving; after 10 failed attempts the event is put aside (`yifen outlets dead`).
   * The place where each goes on is kept under its name in the data folder; functions without one are `outlet-1`, `outlet-2`...
   */
  readonly outlets?: readonly (OutletFunction | OutletSetup)[];
}

/** Settings of `yifen start` that mean the same here. */
const settings = [
  ...(["data", "shards", "graceMs", "payWithinMs", "autoConfirmMs", "afterSaleMs", "pointsGrantOn"] as const),
  ...(["latePayment", "keysMax", "keysKeepMs", "callTimeoutMs"] as const),
] as const satisfies readonly SettingName[];

const byName: Rule = {
  accepts: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  wanted: "an object, by names",
};

/** Total: an option without a rule does not compile. */
const others: Readonly<Record<Exclude<keyof EngineOptions, (typeof settings)[number]>, Rule>> = {
  ...sessionRules,
  transactions: byName,
  refunds: byName,
  clock: {
    accepts: isTimeSource,
    wanted: "a clock: manualClock(), or an object with wallMs, steadyMs and resolutionMs",
  },
  acceptClock: yesOrNo,
  alert: callback,
  progress: callback,
  failed: callback,
  outlets: { accepts: Array.isArray, wanted: "an array of functions and setups" },
};

function isTimeSource(value: unknown): boolean {
  const { wallMs, steadyMs, resolutionMs } = (value ?? {}) as Partial<Record<keyof TimeSource, unknown>>;
  return (
    typeof wallMs === "function" &&
    typeof steadyMs === "function" &&
    typeof resolutionMs === "number" &&
    resolutionMs >= 0
  );
}

const optionRules: Rules = {
  ...Object.fromEntries(settings.map((name) => [name, ruleOf(name)])),
  ...others,
};

const startsOfTypes: Rule = {
  accepts: (value) =>
    Array.isArray(value) && value.length > 0 && value.every((start) => fits("webhookEvents", start)),
  wanted: 'an array of types of events, or of beginnings of types such as "order."',
};

const everyOutlet = {
  name: text,
  events: startsOfTypes,
  from: oneOf("end", "start"),
};

/** By kind, each total over what the kind has. */
const outletRules: {
  readonly webhook: Readonly<Record<keyof WebhookSetup, Rule>>;
  readonly file: Readonly<Record<keyof EventFileSetup, Rule>>;
  readonly function: Readonly<Record<keyof FunctionSetup, Rule>>;
} = {
  webhook: {
    ...everyOutlet,
    kind: oneOf("webhook"),
    url: ruleOf("webhookUrl"),
    secret: ruleOf("webhookSecret"),
    attemptsMax: ruleOf("webhookAttempts"),
    batchMax: ruleOf("webhookBatch"),
  },
  file: {
    ...everyOutlet,
    kind: oneOf("file"),
    file: text,
    bytesMax: wholeNumber(1, Number.MAX_SAFE_INTEGER),
  },
  function: {
    ...everyOutlet,
    kind: oneOf("function"),
    deliver: callback,
    attemptsMax: ruleOf("webhookAttempts"),
    timeoutMs: milliseconds,
  },
};

/** What an outlet cannot be without; a function without a name gets one. */
const needed = { webhook: ["url"], file: ["file"], function: ["deliver"] } as const;

/** Throws `BadConfig` with the name of the option, what it was, and what would be right. */
export function checkEngineOptions(options: EngineOptions): void {
  refuseIf("openEngine", optionProblem(options, optionRules, unknownAmong(optionRules)));
  refuseIf("openEngine", definitionsProblem(options.transactions ?? {}, options.refunds ?? {}));
  for (const [n, outlet] of (options.outlets ?? []).entries()) {
    if (typeof outlet !== "function") checkOutlet(`openEngine: outlets[${n}]`, outlet);
  }
}

function checkOutlet(where: string, outlet: OutletSetup): void {
  const kind = (outlet as Partial<OutletSetup> | null)?.kind as string;
  const rules = Object.hasOwn(outletRules, kind) ? outletRules[kind as keyof typeof outletRules] : undefined;
  if (!rules) throw new BadConfig(`${where}: must be a function, or have a kind: webhook, file or function`);
  refuseIf(where, optionProblem(outlet, rules, unknownAmong(rules)));
  const missing = needed[kind as keyof typeof needed].find(
    (name) => (outlet as unknown as Record<string, unknown>)[name] === undefined,
  );
  if (missing !== undefined) throw new BadConfig(`${where}: ${missing} is required`);
  if (outlet.kind === "file") refuseIf(`${where}: file ${outlet.file}`, eventFileProblem(outlet.file));
}

function refuseIf(where: string, problem: string | undefined): void {
  if (problem !== undefined) throw new BadConfig(`${where}: ${problem}`);
}

function unknownAmong(rules: Rules): (name: string) => string {
  return (name) => {
    const near = nearest(name, Object.keys(rules));
    return `there is no option "${name}"${near === undefined ? "" : `; did you mean ${near}?`}`;
  };
}

/** The flag's own parser, given what the flag would have been; a number must be one, though, and a text a text. */
function ruleOf(name: SettingName): Rule {
  const { wanted, secret = false }: { wanted: string; secret?: boolean } = settingsTable[name];
  return { accepts: (value) => fits(name, value), wanted, secret };
}

function fits(name: SettingName, value: unknown): boolean {
  const { fallback, parse } = settingsTable[name];
  return typeof value === typeof fallback && parse(String(value)) !== undefined;
}
