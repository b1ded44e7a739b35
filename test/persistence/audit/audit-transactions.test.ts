import { describe, expect, test } from "vitest";
import { type Fact, Facts } from "../../../actors/facts.js";
import { auditLogs, type Certificate } from "../../../persistence/audit/audit.js";
import { firstBad } from "../../support/audited.js";
import { shop } from "../../support/shop.js";
import { begin, pay, saga, tcc, tea } from "../../support/transactions.js";
import { groupsOf, type Turn } from "../trading-log.js";
import { transactionStory } from "../transaction-story.js";

const story = transactionStory();
const nameOf = new Map(Object.entries(Facts).map(([name, number]) => [number as number, name]));

/** How far parts came outside: what moves here has facts of its own, so without one of these the books are the same. */
const tellsNothing = new Set<number>([
  ...[Facts.callFailed, Facts.callRepeated, Facts.callStuck],
  ...[Facts.partBegun, Facts.partAnswered, Facts.partEnding, Facts.partSettled],
  ...[Facts.partFailed, Facts.partRepeated, Facts.partStuck],
]);

function audit(logs: readonly (readonly Turn[])[]): Certificate {
  return auditLogs({ shards: logs.map((turns, shard) => ({ shard, groups: groupsOf(turns) })) });
}

const failed = (certificate: Certificate) =>
  certificate.checks.filter(({ ok }) => ok === false).map(({ name }) => name);

/** The story with one fact changed; undefined = left out. */
function changed(type: number, change: (fact: Fact) => Fact | undefined): Turn[][] | undefined {
  let done = false;
  const logs = story.map((turns) =>
    turns.map(({ time, facts }) => ({
      time,
      facts: facts.flatMap((fact) => {
        if (done || fact.type !== type) return [fact];
        done = true;
        return change(fact) ?? [];
      }),
    })),
  );
  return done ? logs : undefined;
}

test("what the engine writes of transactions and payments from another shard is right", () => {
  const certificate = audit(story);
  expect(certificate.firstBad).toBeUndefined();
  expect(failed(certificate)).toEqual([]);
  expect(certificate.checks.find(({ name }) => name === "transactions")!.count).toBeGreaterThan(20);
});

const between: readonly number[] = [
  ...[Facts.paymentForwarded, Facts.paymentArrived, Facts.reinstatementBegun, Facts.reinstatementEnded],
];
const kinds = Object.values(Facts).filter(
  (type) => (type >= Facts.callMade && type <= Facts.moneyTransferred) || between.includes(type),
);

test("every kind of fact of a transaction is in it", () => {
  const used = new Set(story.flat().flatMap(({ facts }) => facts.map(({ type }) => type as number)));
  const missing = kinds.filter((type) => !used.has(type)).map((type) => nameOf.get(type));
  // An actor that cannot end its part: only a wallet that is full, or a human's entry, comes to that.
  expect(missing).toEqual(["partFailed"]);
});

test.each([
  ["a saga gives money to nobody", saga(pay("1.00", "ann", "wallet:eve"))],
  ["a saga gives money to nobody after it took stock", saga(tea(), pay("1.00", "ann", "wallet:eve"))],
  ["a saga takes more stock than there is after it paid", saga(pay(), tea(11))],
  ["a TCC gives money to nobody", tcc(tea(), pay("1.00", "ann", "wallet:eve"))],
])("%s: done and undone, in one turn on one shard, and the audit finds nothing", (_, plan) => {
  for (const shards of [1, 3]) {
    const engine = shop({ shards, plan: () => plan });
    expect(engine.ask(begin("gift")).result.state).toBe("undone");
    engine.pass(300);
    expect(firstBad(engine)).toBeUndefined();
  }
});

describe("AUDIT-TRANSACTIONS-1, AUDIT-TRANSACTIONS-2, AUDIT-TRANSACTIONS-3: a log is not right", () => {
  const told = kinds.filter((type) => !tellsNothing.has(type));

  // Without the last word about a fence, a call or a transaction there is only less to remember.
  const goesUnseen = new Set<number>([Facts.fencesDropped, Facts.callEnded, Facts.transactionEnded]);

  test.each(told.filter((type) => !goesUnseen.has(type)).map((type) => [nameOf.get(type)!, type] as const))(
    "without its first %s",
    (_, type) => {
      expect(failed(audit(changed(type, () => undefined)!))).not.toEqual([]);
    },
  );

  test.each([
    ["unitsTransferred", "qty"],
    ["moneyTransferred", "amount"],
    ["fenceSet", "amount"],
    ["fenceMoved", "state"],
    ["transactionEnded", "how"],
    ["paymentForwarded", "amount"],
    ["paymentArrived", "amount"],
    ["reinstatementBegun", "amount"],
    ["reinstatementBegun", "order"],
    ["reinstatementBegun", "currency"],
    ["reinstatementEnded", "order"],
    ["reinstatementEnded", "how"],
  ] as const)("when %s has another %s", (kind, field) => {
    const other = (fact: Fact) => {
      const numbers = fact as unknown as Record<string, number>;
      return { ...fact, [field]: numbers[field]! + 1 } as unknown as Fact;
    };
    expect(failed(audit(changed(Facts[kind], other)!))).not.toEqual([]);
  });

  test.each([
    ...(["transactionDecided", "transactionEnded", "callMade", "fenceMoved", "paymentArrived"] as const),
    ...(["reinstatementBegun", "reinstatementEnded"] as const),
  ])("when %s comes twice", (kind) => {
    let first: Fact | undefined;
    changed(Facts[kind], (fact) => {
      first = fact;
      return fact;
    });
    const logs = story.map((turns) =>
      turns.map(({ time, facts }) => ({
        time,
        facts: facts.flatMap((fact) => (fact === first ? [fact, fact] : [fact])),
      })),
    );
    expect(failed(audit(logs))).not.toEqual([]);
  });
});
