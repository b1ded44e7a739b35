/**
 * Settings of `yifen start`: one table. Each is looked for in the flags, then in the environment, then in the file that
 * `--config` names (JSON, the same names as the flags), then there is a default. All of them are printed at start, with
 * where they came from.
 */

import { readFileSync } from "node:fs";
import { eventTypes } from "../../actors/events.js";
import { withNearest } from "../../actors/nearest.js";
import { defaultSettings } from "../../engine/seams/settings.js";
import { readPaymentSecrets } from "../edge/payment-signature.js";

/** What an operator gave cannot be used. The message says which setting, from where, and what would be right. */
export class BadConfig extends Error {
  override readonly name = "BadConfig";
}

interface Setting<T> {
  /** `graceMs` is the flag `--grace-ms` and the variable `YIFEN_GRACE_MS`. */
  readonly flag: string;
  readonly value: string;
  readonly fallback: T;
  readonly about: string;
  readonly parse: (text: string) => T | undefined;
  readonly wanted: string;
  /** Never named when it is wrong, and shown as `set`, or as `shownAs` says. */
  readonly secret?: true;
  /** What may be seen of a value that holds a secret. */
  readonly shownAs?: (value: string) => string;
  /** NAME=VALUE, separated by commas. Its flag may be repeated, and `YIFEN_..._NAME` is one of them in the environment. */
  readonly pairs?: true;
}

const allEvents = "all";

export const settingsTable = {
  port: integer("--port", "PORT", 8080, 0, 65_535, "port to listen on; 0 takes a free one"),
  host: text(
    "--host",
    "ADDRESS",
    "127.0.0.1",
    "address to listen on; only loopback until there is authentication",
  ),
  data: text("--data", "FOLDER", "./data", "folder of the log, the snapshots and read.db"),
  shards: integer("--shards", "N", 1, 1, 64, "shards in this process; fixed once the folder is made"),
  graceMs: integer("--grace-ms", "MS", defaultSettings.graceMs, 0, 3_600_000, "wait for money after payBy"),
  payWithinMs: integer(
    "--pay-within-ms",
    "MS",
    defaultSettings.payWithinMs,
    1000,
    86_400_000,
    "hold of an order",
  ),
  autoConfirmMs: integer(
    "--auto-confirm-ms",
    "MS",
    defaultSettings.autoConfirmMs,
    1000,
    31_536_000_000,
    "an order is confirmed so long after it was shipped",
  ),
  afterSaleMs: integer(
    "--after-sale-ms",
    "MS",
    defaultSettings.afterSaleMs,
    0,
    31_536_000_000,
    "a completed order may be refunded and disputed for so long",
  ),
  pointsGrantOn: choice(
    "--points-grant-on",
    ["completed", "paid"],
    defaultSettings.pointsGrantOn as "completed" | "paid",
    "when an order's points are granted",
  ),
  latePayment: choice(
    "--late-payment",
    ["refund", "reinstate"],
    defaultSettings.latePayment as "refund" | "reinstate",
    "money for a canceled order: sent back, or the order reinstated if everything can be taken again",
  ),
  keysMax: integer(
    "--keys-max",
    "N",
    defaultSettings.keysMax,
    1000,
    1_000_000_000,
    "idempotency keys kept at most",
  ),
  keysKeepMs: integer(
    "--keys-keep-ms",
    "MS",
    defaultSettings.keysKeepMs,
    1000,
    31_536_000_000,
    "how long keys are kept",
  ),
  segmentMb: integer("--segment-mb", "MB", 64, 1, 4096, "size of a segment of the log"),
  snapshotMb: integer("--snapshot-mb", "MB", 256, 0, 1_048_576, "log between two snapshots; 0 = never"),
  prove: choice(
    "--prove",
    ["all", "recent"],
    "all",
    "how much of the log is proven before serving; recent = what is newer than the snapshot",
  ),
  readSide: choice(
    "--read-side",
    ["on", "off"],
    "on",
    "keep read.db; off = no lists, histories and statements",
  ),
  definitions: {
    ...text("--definitions", "FILE", "", "module that exports transactions and refunds; empty = none"),
    parse: (given: string) => given,
  },
  callTimeoutMs: integer(
    "--call-timeout-ms",
    "MS",
    30_000,
    1,
    3_600_000,
    "wait for a function of --definitions",
  ),
  diskFreeMb: integer("--disk-free-mb", "MB", 512, 0, 1_048_576, "refuse new orders when less is free"),
  paymentSecret: secretPairs(
    "--payment-secret",
    "PROVIDER=SECRET",
    "shared with a payment provider, which signs its notifications with it; may be repeated",
    (given) => readPaymentSecrets(given) !== undefined,
    "PROVIDER=SECRET with 16 to 256 characters of secret, separated by commas",
  ),
  webhookUrl: {
    ...optional("--webhook-url", "URL", "events are posted there", "an http or https URL", isWebhookUrl),
    secret: true,
    // Services that give a URL to post to put their token into the path or behind it.
    shownAs: (url: string) => `${new URL(url).origin}/...`,
  },
  webhookSecret: {
    ...optional(
      "--webhook-secret",
      "TEXT",
      "signs what is posted; best given in the environment",
      "16 to 256 characters without spaces, or whsec_ and base64 of 24 to 64 bytes",
      isWebhookSecret,
    ),
    secret: true,
  },
  webhookEvents: eventList("--webhook-events", "which events are posted: types, or how they begin"),
  webhookAttempts: integer(
    "--webhook-attempts",
    "N",
    10,
    1,
    1000,
    "failed attempts after which an event is put aside",
  ),
  webhookBatch: integer(
    "--webhook-batch",
    "N",
    1,
    1,
    1000,
    "events of one request; 1 = an object, more = an array of at most so many",
  ),
  eventLog: optional(
    "--event-log",
    "FILE",
    "events are appended there as lines of JSON",
    "a text",
    () => true,
  ),
  eventLogMb: integer(
    "--event-log-mb",
    "MB",
    64,
    1,
    1_048_576,
    "size at which the event log begins a new file",
  ),
  eventLogEvents: eventList("--event-log-events", "which events are logged: types, or how they begin"),
  logLevel: choice(
    "--log-level",
    ["info", "warn", "error", "silent"],
    "info",
    "what is logged: that and what is worse",
  ),
  outletsFrom: choice(
    "--outlets-from",
    ["end", "start"],
    "end",
    "where a new outlet begins: behind what there is, or with the first event of the log",
  ),
} as const;

type Table = typeof settingsTable;
export type SettingName = keyof Table;
export type Config = { readonly [K in SettingName]: Table[K]["fallback"] };

/** What `webhookEvents` and `eventLogEvents` name; undefined = all. */
export function eventsNamed(list: string): readonly string[] | undefined {
  return list === allEvents ? undefined : list.split(",");
}

export interface OriginatedConfig {
  readonly config: Config;
  /** Where each value came from: `flag`, `YIFEN_PORT`, the file's name, or `default`. */
  readonly origins: Readonly<Record<SettingName, string>>;
}

/** Throws `BadConfig`. `flags` holds what was given on the command line, by setting name. */
export function readConfig(
  flags: Readonly<Partial<Record<SettingName, string>>>,
  environment: Readonly<Record<string, string | undefined>>,
  file: string | undefined,
): OriginatedConfig {
  const fromFile = file === undefined ? {} : readConfigFile(file);
  const config: Record<string, unknown> = {};
  const origins = {} as Record<SettingName, string>;
  for (const name of Object.keys(settingsTable) as SettingName[]) {
    const variable = environmentName(name);
    const found =
      pick(flags[name], `flag ${settingsTable[name].flag}`) ??
      pick(inEnvironment(name, environment), variable) ??
      pick(fromFile[name], file ?? "");
    config[name] = found ? parse(name, found.text, found.origin) : settingsTable[name].fallback;
    origins[name] = found?.origin ?? "default";
  }
  return { config: config as unknown as Config, origins };
}

/** One line per setting. */
export function describeConfig({ config, origins }: OriginatedConfig): string[] {
  return (Object.keys(settingsTable) as SettingName[]).map(
    (name) =>
      `${settingsTable[name].flag.slice(2).padEnd(16)} ${shown(name, config[name]).padEnd(12)} ${origins[name]}`,
  );
}

/** A setting without a value is "none", and a secret is "set". */
export function shown(name: SettingName, value: unknown): string {
  const setting: Setting<unknown> = settingsTable[name];
  if (value === "") return "none";
  if (setting.shownAs) return setting.shownAs(String(value));
  return setting.secret ? "set" : String(value);
}

export function environmentName(name: SettingName): string {
  return `YIFEN_${name.replace(/[A-Z]/g, (c) => `_${c}`).toUpperCase()}`;
}

/** Variables of the command line that are no settings of an engine. */
const otherVariables = ["YIFEN_URL"];

/** A line for each variable that looks like a setting and is none: it has no effect, and somebody believes that it has. */
export function unknownVariables(environment: Readonly<Record<string, string | undefined>>): string[] {
  const names = Object.keys(settingsTable) as SettingName[];
  const known = [...names.map(environmentName), ...otherVariables];
  const ofPairs = names.filter((name) => "pairs" in settingsTable[name]).map(environmentName);
  return Object.keys(environment)
    .filter((name) => name.startsWith("YIFEN_") && !known.includes(name))
    .filter((name) => !ofPairs.some((pairs) => name.startsWith(`${pairs}_`)))
    .map((name) => withNearest(`${name} is set and is no setting: it has no effect`, name, known));
}

/** With pairs, `YIFEN_PAYMENT_SECRET_ALIPAY` is the one of `alipay`. */
function inEnvironment(
  name: SettingName,
  environment: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const variable = environmentName(name);
  const { pairs }: Setting<unknown> = settingsTable[name];
  const whole = environment[variable];
  if (!pairs) return whole;
  const single = Object.entries(environment)
    .filter(([each]) => each.startsWith(`${variable}_`))
    .map(([each, value]) => `${each.slice(variable.length + 1).toLowerCase()}=${value}`);
  return single.length === 0 ? whole : [...(whole === undefined ? [] : [whole]), ...single].join(",");
}

function readConfigFile(file: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new BadConfig(`--config ${file}: ${(error as Error).message}`);
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
    throw new BadConfig(`--config ${file}: not a JSON object`);
  for (const [name, value] of Object.entries(parsed)) {
    if (!Object.hasOwn(settingsTable, name))
      throw new BadConfig(
        withNearest(`--config ${file}: there is no setting "${name}"`, name, Object.keys(settingsTable)),
      );
    if (typeof value !== "string" && typeof value !== "number")
      throw new BadConfig(`--config ${file}: "${name}" is neither a text nor a number`);
  }
  return parsed as Record<string, unknown>;
}

function pick(value: unknown, origin: string): { text: string; origin: string } | undefined {
  return value === undefined ? undefined : { text: String(value), origin };
}

function parse(name: SettingName, value: string, origin: string): unknown {
  const setting: Setting<unknown> = settingsTable[name];
  const parsed = setting.parse(value);
  const given = setting.secret ? "what was given" : `"${value}"`;
  if (parsed === undefined) throw new BadConfig(`${origin}: ${given} is not ${setting.wanted}`);
  return parsed;
}

function integer(
  flag: string,
  value: string,
  fallback: number,
  min: number,
  max: number,
  about: string,
): Setting<number> {
  const parseInteger = (given: string) => {
    const number = /^[0-9]{1,15}$/.test(given) ? Number(given) : Number.NaN;
    return number >= min && number <= max ? number : undefined;
  };
  return {
    flag,
    value,
    fallback,
    about,
    parse: parseInteger,
    wanted: `a whole number from ${min} to ${max}`,
  };
}

function text(flag: string, value: string, fallback: string, about: string): Setting<string> {
  return { flag, value, fallback, about, parse: (given) => given || undefined, wanted: "a text" };
}

/** A text that may be left out: "" is the default and means that there is none. */
function optional(
  flag: string,
  value: string,
  about: string,
  wanted: string,
  fits: (given: string) => boolean,
): Setting<string> {
  const parseOptional = (given: string) => (given === "" || fits(given) ? given : undefined);
  return { flag, value, fallback: "", about, parse: parseOptional, wanted };
}

/** Without a name and a password in it: the URL is printed. */
function isWebhookSecret(given: string): boolean {
  const coded = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(given)?.[1];
  if (coded === undefined) return !given.startsWith("whsec_") && /^[\x21-\x7e]{16,256}$/.test(given);
  const { length } = Buffer.from(coded, "base64");
  return coded.length % 4 === 0 && length >= 24 && length <= 64;
}

function isWebhookUrl(given: string): boolean {
  if (!URL.canParse(given)) return false;
  const { protocol, username, password } = new URL(given);
  return ["http:", "https:"].includes(protocol) && username === "" && password === "";
}

function eventList(flag: string, about: string): Setting<string> {
  const fits = (start: string) => start !== "" && eventTypes.some((type) => type.startsWith(start));
  const parseList = (given: string) =>
    given === allEvents || given.split(",").every(fits) ? given : undefined;
  const wanted = `"${allEvents}", or types and beginnings of types with commas: order.,refund.done`;
  return { flag, value: "LIST", fallback: allEvents, about, parse: parseList, wanted };
}

function choice<T extends string>(
  flag: string,
  values: readonly T[],
  fallback: T,
  about: string,
): Setting<T> {
  const parseChoice = (given: string) => values.find((value) => value === given);
  return { flag, value: values.join("|"), fallback, about, parse: parseChoice, wanted: values.join(" or ") };
}

function secretPairs(
  flag: string,
  value: string,
  about: string,
  isValue: (given: string) => boolean,
  wanted: string,
): Setting<string> {
  const parsePairs = (given: string) => (isValue(given) ? given : undefined);
  return { flag, value, fallback: "", about, parse: parsePairs, wanted, secret: true, pairs: true };
}
