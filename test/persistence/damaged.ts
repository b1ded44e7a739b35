/** Logs that are damaged on purpose, and what an audit must say of them. */

import { expect, test } from "vitest";
import { type Fact, type FactKind, type FactOf, Facts } from "../../actors/facts.js";
import { auditLogs, type Certificate } from "../../persistence/audit/audit.js";
import type { CheckName } from "../../persistence/audit/audit-findings.js";
import { ann, methods, type Payment, type Refund, ShopLog, type ShopOrder, week } from "./shop-log.js";
import { shopStory } from "./shop-story.js";
import { groupsOf, type Turn } from "./trading-log.js";

/** A log, and the turn that is wrong. */
export interface Damaged {
  readonly turns: readonly Turn[];
  readonly at: number;
}

/** The story with facts of one kind changed: the nth of those that `which` chooses. */
export function story<K extends FactKind>(
  kind: K,
  which: (fact: FactOf<K>) => boolean,
  change: (fact: FactOf<K>) => readonly Fact[],
  nth = 0,
): Damaged {
  let seen = 0;
  let at = -1;
  const turns = shopStory().map(({ time, facts }, turn) => ({
    time,
    facts: facts.flatMap((fact) => {
      if (fact.type !== Facts[kind] || !which(fact as FactOf<K>) || seen++ !== nth) return [fact];
      at = turn;
      return change(fact as FactOf<K>);
    }),
  }));
  if (at < 0) throw new Error(`the story has no such ${kind}`);
  return { turns, at };
}

/** A log of its own, written up to where it is right, and then one turn further. */
export function shop(write: (log: ShopLog) => void): Damaged {
  const log = new ShopLog();
  write(log);
  return { turns: log.turns, at: log.turns.length - 1 };
}

export const every = () => true;
export const to = (status: number) => (fact: FactOf<"orderMoved">) => fact.to === status;
export const by = (event: number) => (fact: FactOf<"orderMoved">) => fact.event === event;

/** An order that was paid from outside, and its payment. */
export function paid(log: ShopLog, teas: number, cups = 0): { order: ShopOrder; payment: Payment } {
  const order = log.placed(ann, teas, cups);
  return { order, ...log.paidFromOutside(order, "p-1") };
}

/** Asks for a refund of units of the only line. */
export function ask(
  log: ShopLog,
  order: ShopOrder,
  payment: Payment,
  qty: number,
  more: object = {},
): Refund {
  const amount = qty * 1000;
  return log.refund(order, amount, { payment, shares: [{ line: 0, qty, amount }], ...more });
}

/** Asked for in a turn of its own. */
export function asked(
  log: ShopLog,
  order: ShopOrder,
  payment: Payment,
  qty: number,
  more: object = {},
): Refund {
  const refund = ask(log, order, payment, qty, more);
  log.turn(log.moved(order, "refund", "Refunding"), refund, log.key(order, methods.refund));
  return refund;
}

/** A payment that no order takes, and its item. */
export function lost(log: ShopLog, amount: number): FactOf<"humanOpened"> {
  const payment = log.booked("nothing-known", "p-9", amount);
  const item = log.opened(1, "alipay:p-9", amount);
  log.turn(payment, item, log.told(payment, "unmatched_payment"));
  return item;
}

/** Bought, shipped and confirmed; when its after-sale is over. */
export function completed(log: ShopLog, points: number): { order: ShopOrder; until: number } {
  const order = log.sold(ann, 2, 0);
  log.shipped(order);
  const until = log.nowMs + week;
  log.turn(
    log.moved(order, "confirm", "Completed", until),
    points > 0 ? log.granted(order, points) : [],
    log.key(order, methods.advance),
  );
  return { order, until };
}

/** What was done to the log, the check that finds it, what it says, and the log. */
export type Row = readonly [what: string, check: CheckName, says: RegExp, damaged: Damaged];

export function audit(turns: readonly Turn[]): Certificate {
  return auditLogs({ shards: [{ shard: 0, groups: groupsOf(turns) }] });
}

/** Each is found by its check and in its turn, and until that turn there is nothing to find. */
export function testRows(rows: readonly Row[]): void {
  test.each(rows)("%s: %s", (_, check, says, { turns, at }) => {
    const certificate = audit(turns);
    const found = certificate.checks.find(({ name }) => name === check)!;
    expect(found).toMatchObject({ ok: false, detail: expect.stringMatching(says) });
    const before = turns.slice(0, at).reduce((sum, { facts }) => sum + facts.length, 0);
    const { position } = certificate.firstBad!;
    expect(position).toBeGreaterThan(before);
    expect(position).toBeLessThanOrEqual(
      before + turns[at]!.facts.length + (turns[at]!.facts.length === 0 ? 1 : 0),
    );
    expect(certificate.repairPlan.length).toBeGreaterThan(1);
    expect(audit(turns.slice(0, at)).ok).toBe(true);
  });
}
