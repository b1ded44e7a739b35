/**
 * What a caller may choose, held to its bounds before anything begins: a timeout of NaN is none, and a misspelt option would be
 * ignored. Throws `TypeError`: it is a programmer's error, like a function among the params.
 */

export interface Rule {
  readonly accepts: (value: unknown) => boolean;
  /** What would be right, after "must be". */
  readonly wanted: string;
  /** What was given is not repeated when it is wrong. */
  readonly secret?: boolean;
}

/** Longest time that a timer of the platform can wait: 2^31 - 1. */
const timerMsMax = 2_147_483_647;

export function wholeNumber(min: number, max: number): Rule {
  return {
    accepts: (value) => Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max,
    wanted: `a whole number from ${min} to ${max}`,
  };
}

export const milliseconds = wholeNumber(1, timerMsMax);
export const yesOrNo: Rule = { accepts: (value) => typeof value === "boolean", wanted: "true or false" };
export const callback: Rule = { accepts: (value) => typeof value === "function", wanted: "a function" };
export const text: Rule = {
  accepts: (value) => typeof value === "string" && value !== "",
  wanted: "a text that is not empty",
};

export function oneOf(...values: readonly unknown[]): Rule {
  return { accepts: (value) => values.includes(value), wanted: values.join(" or ") };
}

/** Those of `SessionOptions`, by name. */
export const sessionRules = {
  timeoutMs: milliseconds,
  openWithinMs: milliseconds,
  retryOverloaded: yesOrNo,
  inFlightMax: wholeNumber(1, 1_000_000),
  pendingMax: wholeNumber(1, 100_000_000),
  feedBufferMax: wholeNumber(1, 100_000_000),
} as const;

export type Rules = Readonly<Record<string, Rule>>;

/** The first thing that is wrong with what was given, as a sentence; `undefined` stands for what was not given. */
export function optionProblem(
  given: unknown,
  rules: Rules,
  unknown: (name: string) => string,
): string | undefined {
  if (typeof given !== "object" || given === null || Array.isArray(given)) return "options must be an object";
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(rules, name)) return unknown(name);
    const { accepts, wanted, secret } = rules[name]!;
    if (value === undefined || accepts(value)) continue;
    return `${name}: ${secret ? "what was given" : shown(value)} must be ${wanted}`;
  }
  return undefined;
}

export function checkOptions(given: unknown, rules: Rules): void {
  const names = Object.keys(rules).join(", ");
  const problem = optionProblem(given, rules, (name) => `there is no option "${name}"; there are ${names}`);
  if (problem !== undefined) throw new TypeError(problem);
}

/** A text in quotes, so that "500" is not taken for a number; anything that is not simple by what it is. */
function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "an array" : "an object";
  return typeof value === "function" ? "a function" : String(value);
}
