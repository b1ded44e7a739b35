/** What follows an order's payment, in a log in which all of it is right, and with one fact of it tampered with. */

import { describe, expect, test } from "vitest";
import { readFacts } from "../../../actors/fact-codec.js";
import { type Fact, Facts } from "../../../actors/facts.js";
import { refundId } from "../../../actors/order-number.js";
import { OrderEvents } from "../../../actors/order-transitions.js";
import { auditLogs, type Certificate } from "../../../persistence/audit/audit.js";
import { CrossShard } from "../../../persistence/audit/audit-cross-shard.js";
import { Findings } from "../../../persistence/audit/audit-findings.js";
import { ShardAudit } from "../../../persistence/audit/audit-shard.js";
import { formatCertificate } from "../../../persistence/audit/certificate.js";
import { sagaOne, sagaZero } from "../saga-log.js";
import { ann, day, methods, type Refund, ShopLog, type ShopOrder, week } from "../shop-log.js";
import { shopStory } from "../shop-story.js";
import { groupsOf, type Turn } from "../trading-log.js";

function audit(...logs: readonly (readonly Turn[])[]): Certificate {
  return auditLogs({
    // Names in a story of several shards are not chosen by where they live.
    ...(logs.length === 1 ? { count: 1 } : {}),
    shards: logs.map((turns, shard) => ({ shard, groups: groupsOf(turns) })),
  });
}

function failed(certificate: Certificate): string[] {
  return certificate.checks.filter(({ ok }) => ok === false).map(({ name }) => name);
}

const nameOf = new Map(Object.entries(Facts).map(([name, number]) => [number as number, name]));

describe("an honest log", () => {
  test("passes every check, and the certificate carries its figures", () => {
    const certificate = audit(shopStory());
    expect(certificate.firstBad).toBeUndefined();
    expect(certificate.ok).toBe(true);
    expect(certificate.figures).toMatchObject({
      orders: 14,
      byStatus: {
        ...{ Created: 1, Paid: 5, Shipped: 1, Completed: 1, Refunding: 1, Refunded: 3, Canceled: 1 },
        Disputed: 1,
      },
      archived: 3,
      inWallets: { CNY: "977.00" },
      inOrders: { CNY: "73.65" },
      refunded: { CNY: "82.14" },
      payable: { CNY: "10.00" },
      suspense: { CNY: "7.00", USD: "0.00" },
      revenue: { CNY: "13.33" },
      points: { granted: "42", reversed: "29", spent: "20", left: "-7" },
      openRefunds: 1,
      openItems: 1,
      ledgerDifference: { CNY: "0.00", USD: "0.00" },
    });
  });

  test("looks at each of its checks at least once", () => {
    // `audit-transactions` has the last.
    const ofSeveralShards = new Set<string>(["messages", "branches", "state-hash", "transactions"]);
    for (const { name, count } of audit(shopStory()).checks)
      if (!ofSeveralShards.has(name)) expect([name, count > 0]).toEqual([name, true]);
  });

  test("has every kind of fact that follows a payment, so each is tampered with below", () => {
    const used = new Set(shopStory().flatMap(({ facts }) => facts.map(({ type }) => type)));
    const after = Object.values(Facts).filter((type) => type >= Facts.orderMoved && type <= Facts.entryMade);
    expect(after.filter((type) => !used.has(type))).toEqual([]);
  });

  test("the certificate for people names the new figures", () => {
    const text = formatCertificate(audit(shopStory()));
    expect(text).toMatch(/^archived {3}3 orders$/m);
    expect(text).toMatch(/^payable {4}10[.]00 CNY, for 1 refunds$/m);
    expect(text).toMatch(/^points {5}42 granted, 29 reversed, 20 spent, -7 left$/m);
    expect(text).toMatch(/^humans {5}1 items open$/m);
  });

  test("neighbours in a turn may change places, unless one needs the other", () => {
    const story = shopStory();
    const bound = new Set<string>();
    for (const [at, { facts }] of story.entries()) {
      for (let index = 0; index + 1 < facts.length; index++) {
        const swapped = [...facts];
        swapped.splice(index, 2, facts[index + 1]!, facts[index]!);
        const turns = story.map((turn, t) => (t === at ? { ...turn, facts: swapped } : turn));
        if (audit(turns).ok) continue;
        bound.add(`${nameOf.get(facts[index]!.type)} < ${nameOf.get(facts[index + 1]!.type)}`);
      }
    }
    expect(bound).toEqual(
      new Set([
        "accountNamed < accountOpened",
        // The answer that is kept tells what was there then.
        "accountDeposited < keyKept",
        "pointsSpent < keyKept",
        // Suspense is never below zero, and an item is about something.
        "paymentBooked < paymentApplied",
        "paymentBooked < refundRequested",
        "paymentBooked < humanOpened",
        "refundRequested < refundDone",
      ]),
    );
  });
});

/** Its time to be confirmed passes while a refund is open. */
function overdueInRefund(log: ShopLog): { order: ShopOrder; refund: Refund; dueAt: number } {
  const order = log.placed(ann, 1, 0);
  const { payment } = log.paidFromOutside(order, "p-1");
  const dueAt = log.shipped(order);
  const refund = log.refund(order, 1000, { payment, shares: [{ line: 0, qty: 1, amount: 1000 }] });
  log.turn(log.moved(order, "refund", "Refunding", dueAt), refund, log.key(order, methods.refund));
  log.pass(week + day);
  return { order, refund, dueAt };
}

test("an order whose time passed in Refunding: it is confirmed in the turn after it came back", () => {
  const log = new ShopLog();
  const { order, refund, dueAt } = overdueInRefund(log);
  log.turn(log.refused(refund), log.moved(order, "refund_ended", "Shipped", dueAt));
  expect(audit(log.turns).ok).toBe(true);
  const move = log.moved(order, "auto_confirm", "Completed", log.nowMs + week, { operator: "engine" });
  log.turn(move, log.granted(order, 10));
  expect(audit(log.turns).ok).toBe(true);
  log.turns.pop();
  log.placed(ann, 1, 0);
  expect(failed(audit(log.turns))).toEqual(["deadlines"]);
});

test("a dispute over it leaves no time, and takes none away", () => {
  const log = new ShopLog();
  const { order, refund } = overdueInRefund(log);
  log.turn(log.moved(order, "dispute", "Disputed"), log.key(order, methods.advance));
  log.turn(log.refused(refund));
  const now = log.nowMs;
  log.turn(
    log.moved(order, "resolve_keep", "Refunding", now),
    log.moved(order, "refund_ended", "Shipped", now),
    log.key(order, methods.advance),
  );
  expect(audit(log.turns).firstBad).toBeUndefined();
});

test("AUDIT-SHARD-2: memory: archived orders, ended refunds and resolved items are forgotten", () => {
  const log = new ShopLog();
  for (let n = 0; n < 200; n++) {
    const order = log.placed(ann, 1, 0);
    const { payment, surplus } = log.paidFromOutside(order, `p-${n}`, 5);
    const item = log.opened(2, refundId(surplus.refund), 5);
    log.turn(log.unknown(surplus), item);
    log.turn(log.resolved(item, 2), log.done(surplus));
    const shares = [{ line: 0, qty: 1, amount: 1000 }];
    const refund = log.refund(order, 1000, { payment, restock: 1, shares });
    log.turn(log.moved(order, "refund", "Refunding"), refund, log.key(order, methods.refund));
    log.turn(
      log.done(refund),
      log.stock("stockReturned", order),
      log.moved(order, "refund_all_done", "Refunded"),
    );
    log.turn(log.archived(order, 0));
  }
  const findings = new Findings();
  const books = new ShardAudit(0, findings, new CrossShard([0]));
  let most = 0;
  for (const group of groupsOf(log.turns)) {
    readFacts(group.body, group.first, (fact, time, position) => {
      books.take(fact, time, position);
      most = Math.max(most, books.liveOrders + books.refunds.open.size + books.human.open.size);
    });
  }
  books.finish();
  expect(findings.first).toBeUndefined();
  expect(most).toBeLessThan(5);
});

describe("one fact tampered with, everything else made to fit", () => {
  interface Place {
    readonly turn: number;
    readonly index: number;
    readonly fact: Fact;
  }

  const story = shopStory();
  const places = story.flatMap(({ facts }, turn) => facts.map((fact, index) => ({ turn, index, fact })));
  const labelled = places.map(
    (place) => [`${nameOf.get(place.fact.type)} of turn ${place.turn}`, place] as const,
  );

  function tampered({ turn: at, index: n }: Place, change: (fact: Fact) => readonly Fact[]): Certificate {
    return audit(
      story.map(({ time, facts }, turn) => ({
        time,
        facts: facts.flatMap((fact, index) => (turn === at && index === n ? change(fact) : [fact])),
      })),
    );
  }

  /** Nothing in the log needs these: without them it tells another truth. */
  const needless = (fact: Fact) =>
    fact.type === Facts.refundUnknown ||
    // Its order just stays, and a refund from suspense stays open.
    fact.type === Facts.orderArchived ||
    (fact.type === Facts.refundDone && fact.source === 2);

  test.each(labelled.filter(([, { fact }]) => !needless(fact)))("dropped: %s", (_, place) => {
    // An item may stay open when what it was about has ended.
    const stays = place.fact.type === Facts.humanResolved && place.fact.action === 2;
    expect(tampered(place, () => []).ok).toBe(stays);
  });

  test.each(labelled.filter(([, { fact }]) => fact.type !== Facts.refundUnknown))(
    "doubled: %s",
    (_, place) => {
      expect(tampered(place, (fact) => [fact, fact]).ok).toBe(false);
    },
  );

  /** No other fact speaks of these. */
  const alone = new Set([
    ...["productCreated.limitPerAccount", "productCreated.saleStartsAt", "productCreated.saleEndsAt"],
    ...["orderPlaced.payBy", "orderPlaced.expiresAt", "keyKept.paramsHash", "keyKept.at"],
    ...["humanOpened.units", "humanOpened.attempts"],
    // Without units in its shares nothing comes back, and what is refused does not either.
    "refundRequested.restock",
  ]);
  const harmless = new Set([
    // Another way to say why, and the slot of the last item.
    ...["humanResolved.action 1", "humanResolved.action -1", "humanOpened.item 1", "humanOpened.kind 1"],
  ]);
  /** How long an after-sale takes, and how long it is until a parcel counts as taken. */
  const setsTime = new Set<number>([OrderEvents.ship, OrderEvents.auto_confirm]);

  test.each(labelled)("altered: %s", (_, place) => {
    const name = nameOf.get(place.fact.type);
    for (const [field, value] of Object.entries(place.fact)) {
      if (typeof value !== "number" || field === "type" || alone.has(`${name}.${field}`)) continue;
      for (const by of [1, -1]) {
        if (value + by < 0 || harmless.has(`${name}.${field} ${by}`)) continue;
        if (field === "dueAt" && "event" in place.fact && setsTime.has(place.fact.event)) continue;
        const certificate = tampered(place, (fact) => [{ ...fact, [field]: value + by } as Fact]);
        expect(certificate.ok, `${name}.${field} ${by}`).toBe(false);
      }
    }
  });

  test("a share of a refund altered: its line or its amount", () => {
    for (const place of places) {
      const { fact } = place;
      if (fact.type !== Facts.refundRequested) continue;
      for (const [index, share] of fact.shares.entries()) {
        for (const change of [{ line: 9 }, { amount: share.amount + 1 }, { amount: share.amount - 1 }]) {
          const shares = fact.shares.map((other, n) => (n === index ? { ...share, ...change } : other));
          const found = tampered(place, () => [{ ...fact, shares }]);
          expect(failed(found), `turn ${place.turn} ${JSON.stringify(change)}`).toContain("refunds");
        }
      }
    }
  });
});

describe("sagas across shards", () => {
  test("sold at once, given back when the order does not come about, and returned with a refund", () => {
    const certificate = audit(sagaZero(), sagaOne());
    expect(certificate.firstBad).toBeUndefined();
    expect(certificate.figures).toMatchObject({
      ...{ orders: 1, availableUnits: 49, heldUnits: 0, soldUnits: 1 },
      ...{ inOrders: { CNY: "3.00" }, refunded: { CNY: "3.00" } },
    });
  });

  /** Changes the facts of one kind in the log of the products' shard. */
  function cups(type: Fact["type"], nth: number, change: (fact: Fact) => readonly Fact[]): Certificate {
    let seen = 0;
    const one = sagaOne().map(({ time, facts }) => ({
      time,
      facts: facts.flatMap((fact) => (fact.type === type && seen++ === nth ? change(fact) : [fact])),
    }));
    return audit(sagaZero(), one);
  }

  test.each<[string, string, Certificate]>([
    ["what is undone does not come back", "holds", cups(Facts.stockReturned, 1, () => [])],
    ["a refunded unit does not come back", "branches", cups(Facts.stockReturned, 0, () => [])],
    [
      "more units come back than were refunded",
      "branches",
      cups(Facts.stockReturned, 0, (fact) => [{ ...fact, qty: 2, available: 50 } as Fact]),
    ],
    [
      "a branch of a saga holds instead of selling",
      "branches",
      cups(Facts.stockSold, 0, (fact) => [{ ...fact, type: Facts.stockHeld } as Fact]),
    ],
    [
      "a branch is confirmed, and its order was refused",
      "branches",
      cups(Facts.branchEnded, 1, (fact) => [{ ...fact, how: 1 } as Fact]),
    ],
    [
      "a line is asked for before its turn",
      "branches",
      audit(
        sagaZero().map(({ time, facts }) => ({
          time,
          facts: facts.map((fact) => (fact.type === Facts.branchBegun ? { ...fact, branch: 1 } : fact)),
        })),
        sagaOne(),
      ),
    ],
    [
      "an order that is no saga sells at once",
      "branches",
      audit(
        sagaZero().map(({ time, facts }) => ({
          time,
          facts: facts.map((fact) => (fact.type === Facts.orderBegun ? { ...fact, payNow: 1 } : fact)),
        })),
        sagaOne(),
      ),
    ],
  ])("%s", (_, check, certificate) => {
    expect(failed(certificate)).toContain(check);
  });

  test("a limit counts what came back no more", () => {
    const one = sagaOne();
    const [created] = one[0]!.facts as [Extract<Fact, { type: 5 }>];
    const strict = [{ ...one[0]!, facts: [{ ...created, limitPerAccount: 2 }] }, ...one.slice(1)];
    expect(failed(audit(sagaZero(), strict))).toEqual(["limits"]);
  });
});
