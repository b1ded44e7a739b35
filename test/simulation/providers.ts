/**
 * Payment providers, with books of their own: what they took from buyers and what they gave back.
 *
 *   alipay   the engine calls it; calls and answers are lost, late and doubled
 *   wechat   nobody can call it: it tells of its refunds itself, and what it has told is so
 *   cash     as wechat, and its tellers contradict each other: the first word that was heard is so
 *
 * PROVIDERS-1  A refund has an id, and whatever is asked under it a second time is the same.
 * PROVIDERS-2  A provider gives back under one id once, and never more of a payment than it took.
 * PROVIDERS-3  It is asked only for what is in the log.
 */

import type { CallReport, OutCall } from "../../engine/links/call-dispatcher.js";
import { minorOf } from "./amounts.js";
import type { Host } from "./host.js";
import type { World } from "./world.js";

export const providerNames = ["alipay", "wechat", "cash"] as const;
export const called = "alipay";

type Fate = "undecided" | "executed" | "refused" | "stopped";

interface RequestedRefund {
  readonly id: string;
  readonly provider: string;
  readonly paymentId: string;
  readonly currency: string;
  readonly amount: number;
  fate: Fate;
  /** Never answers, and does nothing. */
  readonly silent: boolean;
  calls: number;
}

export class Providers {
  readonly refunds = new Map<string, RequestedRefund>();
  /** Paid back without a refund's id, by a human's hand: provider and currency, minor units. */
  readonly byHand = new Map<string, number>();
  readonly #itemsPaid = new Set<string>();
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /** The engine's seam to it, for one life of one host. */
  ofHost(host: Host, incarnation: number) {
    const alive = () => host.incarnation === incarnation && host.shard !== undefined;
    return {
      knows: (name: string) => name === `refund:${called}`,
      call: (call: OutCall, report: (report: CallReport) => void) => {
        const { audit, coverage } = this.#world;
        if (host.durable !== host.shard!.books.position)
          audit.violation(
            `${call.call} is handed out at ${host.shard!.books.position}, durable is ${host.durable}`,
          );
        coverage.hit("provider called");
        this.#call(call, (said) => {
          if (alive()) report(said);
          else coverage.hit("provider's answer to a dead shard");
        });
      },
    };
  }

  /** What its refund is about, as the feed or a call tells it; PROVIDERS-1. */
  about(id: string, provider: string, paymentId: string, currency: string, amount: number): RequestedRefund {
    const { random, plan, audit } = this.#world;
    const known = this.refunds.get(id);
    if (known) {
      const same = known.provider === provider && known.paymentId === paymentId;
      if (!same || known.currency !== currency || known.amount !== amount)
        audit.violation(`${id} is another refund now: ${provider}:${paymentId} ${amount} ${currency}`);
      return known;
    }
    const silent = provider === called && random.chance(plan.providers.silent);
    const asked: RequestedRefund = {
      ...{ id, provider, paymentId, currency, amount, silent },
      fate: "undecided",
      calls: 0,
    };
    this.refunds.set(id, asked);
    return asked;
  }

  /** It makes up its mind, once. */
  decide(asked: RequestedRefund): "executed" | "refused" {
    const { random, plan } = this.#world;
    if (asked.fate === "undecided")
      asked.fate = random.chance(plan.providers.refuse) ? "refused" : "executed";
    return asked.fate === "executed" ? "executed" : "refused";
  }

  /** A human has it stopped, if it is not done already: true when it is stopped. */
  stop(asked: RequestedRefund): boolean {
    if (asked.fate === "executed") return false;
    asked.fate = "stopped";
    return true;
  }

  /** A human has paid it. */
  pay(asked: RequestedRefund): void {
    asked.fate = "executed";
  }

  /** An item for a human says so, however often it is read: its payment has gone back, or never came. */
  payByHand(item: string, payment: string, currency: string, amount: number): void {
    if (this.#itemsPaid.has(item)) return;
    this.#itemsPaid.add(item);
    const name = `${payment.slice(0, payment.indexOf(":"))} ${currency}`;
    this.byHand.set(name, (this.byHand.get(name) ?? 0) + amount);
  }

  /** PROVIDERS-2. */
  givenBack(provider: string, currency: string): number {
    let sum = this.byHand.get(`${provider} ${currency}`) ?? 0;
    for (const refund of this.refunds.values()) {
      if (refund.provider === provider && refund.currency === currency && refund.fate === "executed")
        sum += refund.amount;
    }
    return sum;
  }

  #call(call: OutCall, report: (report: CallReport) => void): void {
    const { random, plan, schedule, coverage, healed, trace } = this.#world;
    const said = JSON.parse(call.input) as Record<string, string>;
    const minor = minorOf(said.amount, said.currency!);
    const asked = this.about(said.refund!, said.provider!, said.paymentId!, said.currency!, minor);
    if (++asked.calls > 1) coverage.hit("provider called again for one refund");
    trace.note(schedule.now, `call ${call.call} ${call.attempt} ${asked.id}`);
    const failed = () => report({ how: "failed", error: "no answer in time" });
    const { lose, late, double } = healed ? { lose: 0, late: 0, double: 0 } : plan.providers;
    if (asked.silent && asked.fate === "undecided") {
      coverage.hit("provider is silent");
      schedule.after(2000, failed);
      return;
    }
    if (random.chance(lose)) {
      coverage.hit("call to a provider lost");
      schedule.after(20_000, failed);
      return;
    }
    schedule.after(random.between(100, 5000), () => {
      const done = this.decide(asked) === "executed";
      const answer: CallReport = done
        ? { how: "done", text: JSON.stringify({ ref: `${said.provider}-${asked.id}` }) }
        : { how: "refused", text: '"not refundable"' };
      if (!done) coverage.hit("provider refuses");
      if (random.chance(lose)) {
        coverage.hit("provider's answer lost");
        schedule.after(20_000, failed);
      } else if (random.chance(late)) {
        coverage.hit("provider's answer late");
        schedule.after(20_000, () => report({ how: "failed", error: "no answer in time", running: true }));
        schedule.after(random.between(30_000, 1_500_000), () => report(answer));
      } else {
        report(answer);
        if (random.chance(double)) schedule.after(random.between(10, 5000), () => report(answer));
      }
    });
  }
}
