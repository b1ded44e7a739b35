/**
 * What deals want of others, as the logs say it: functions outside, and humans.
 *
 * DO1  A function outside is called for what its part is at: tried or done while it is begun, ended as the deal was decided.
 * DO2  What a human books about a part goes through suspense, in the currency of the part.
 */

import { type FactOf, Facts } from "../../actors/facts.js";
import { currencyCode } from "../../actors/money.js";
import type { Coverage } from "./coverage.js";
import type { LoggedDeal, LoggedPart } from "./deal-log.js";

/** Numbers of the catalogue: whose items and whose calls are deals', and how an item is closed that nobody resolved. */
export const dealItems = 3;
export const dealCalls = 2;
const itself = 0;

/** Failures after which somebody must have been told. */
const keepsFailing = 10;

/** "t1024/name". */
export function dealOfItem(subject: string): number {
  return Number(subject.slice(1, subject.indexOf("/")));
}

export class DealOutside {
  /** Parts whose item a human has resolved in this turn. */
  readonly resolved = new Set<LoggedPart>();
  readonly #items = new Map<number, { readonly deal: LoggedDeal; readonly part: LoggedPart }>();
  readonly #calls = new Map<number, LoggedDeal>();
  readonly #coverage: Coverage;
  readonly #wrong: (what: string) => never;

  constructor(coverage: Coverage, wrong: (what: string) => never) {
    this.#coverage = coverage;
    this.#wrong = wrong;
  }

  /** DO1. */
  made({ call, name: said }: FactOf<"callMade">, deal: LoggedDeal, nowMs: number): void {
    const [, name, verb] = /^deal\/([a-z0-9]+):([a-z]+)$/.exec(said) ?? [];
    const part = deal.parts.find((one) => one.name === name);
    if (!part || !verb) this.#wrong(`deal ${deal.number} calls ${said}`);
    const { mode, decision } = deal;
    const { state } = part!;
    const end = mode === "saga" ? "undo" : decision === "done" ? "confirm" : "cancel";
    const begun = mode === "tcc" ? ["try"] : ["do", "ask"];
    const fits =
      state === "begun" ? decision === "" && begun.includes(verb!) : state === "ending" && verb === end;
    if (!fits) this.#wrong(`deal ${deal.number} calls ${said}, and it is ${state}`);
    deal.calls.set(call, { part: part!, verb: verb!, failures: 0, dueAt: nowMs });
    this.#calls.set(call, deal);
  }

  call(fact: FactOf<"callFailed"> | FactOf<"callEnded"> | FactOf<"callRepeated">, nowMs: number): void {
    const deal = this.#calls.get(fact.call);
    const call = deal?.calls.get(fact.call);
    if (!deal || !call) return;
    if (fact.type === Facts.callEnded) deal.calls.delete(fact.call);
    else if (fact.type === Facts.callRepeated) {
      call.failures = 0;
      call.dueAt = nowMs;
    } else {
      call.failures++;
      call.dueAt = fact.dueAt;
      if (call.verb === "undo" && call.failures === keepsFailing)
        this.#coverage.hit("compensation that kept failing");
    }
  }

  opened({ item, subject }: FactOf<"humanOpened">, deal: LoggedDeal): void {
    const name = subject.slice(subject.indexOf("/") + 1);
    const part = deal.parts.find((one) => one.name === name);
    if (!part) this.#wrong(`item ${item} is about ${subject}`);
    this.#items.set(item, { deal, part: part! });
    part!.item = item;
    part!.wasStuck = true;
    this.#coverage.hit("deal's item opened");
  }

  resolve({ item, action }: FactOf<"humanResolved">): void {
    const known = this.#items.get(item);
    if (!known) return;
    known.part.item = 0;
    if (action === itself) this.#coverage.hit("deal's item closed by itself");
    else this.resolved.add(known.part);
  }

  /** DO2. `purses`: what each deal has left where. */
  entry({ item, from, to, amount, currency }: FactOf<"entryMade">, purses: Map<string, number>): void {
    const known = this.#items.get(item);
    if (!known) return;
    if (currencyCode(currency) !== known.part.currency) this.#wrong(`item ${item} is of another currency`);
    const name = `${known.deal.number} suspense`;
    const net = (to === "suspense" ? amount : 0) - (from === "suspense" ? amount : 0);
    purses.set(name, (purses.get(name) ?? 0) + net);
  }
}
