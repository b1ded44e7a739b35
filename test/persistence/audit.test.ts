import { describe, expect, test } from "vitest";
import { type Fact, Facts } from "../../actors/facts.js";
import { auditLogs, type Certificate } from "../../persistence/audit.js";
import { formatCertificate } from "../../persistence/certificate.js";
import { groupsOf, shardOne, shardZero, type Turn } from "./trading-log.js";

const logs = { 0: shardZero, 1: shardOne };

function audit(zero: readonly Turn[] = shardZero(), one: readonly Turn[] = shardOne()): Certificate {
  return auditLogs({
    shards: [
      { shard: 0, groups: groupsOf(zero) },
      { shard: 1, groups: groupsOf(one) },
    ],
  });
}

function failed(certificate: Certificate): string[] {
  return certificate.checks.filter(({ ok }) => ok === false).map(({ name }) => name);
}

const nameOf = new Map(Object.entries(Facts).map(([name, number]) => [number as number, name]));

describe("an honest log", () => {
  test("passes every check, and the certificate carries its figures", () => {
    const certificate = audit();
    expect(certificate.firstBad).toBeUndefined();
    expect(failed(certificate)).toEqual([]);
    expect(certificate.ok).toBe(true);
    expect(certificate.firstBad).toBeUndefined();
    expect(certificate.repairPlan).toEqual([]);
    expect(certificate.figures).toMatchObject({
      orders: 7,
      byStatus: { Created: 1, Paid: 4, Canceled: 2 },
      soldUnits: 7,
      heldUnits: 3,
      availableUnits: 150,
      inWallets: { CNY: "924.00" },
      inOrders: { CNY: "71.00" },
      ledgerDifference: { CNY: "0.00" },
    });
    const [zero] = certificate.shards;
    expect(zero).toMatchObject({ shard: 0, from: 1, to: groupsOf(shardZero()).at(-1)!.last });
    expect(zero!.chainHash).toMatch(/^[0-9a-f]{64}$/);
  });

  test("every kind of fact is in these logs, so every tampering below is tried on every kind", () => {
    const used = new Set(
      [...shardZero(), ...shardOne()].flatMap(({ facts }) => facts.map(({ type }) => type)),
    );
    expect([...nameOf.keys()].filter((type) => !used.has(type as Fact["type"]))).toEqual([]);
  });

  test("what cannot be checked is reported as not checked, with the reason, and not as ok", () => {
    const alone = auditLogs({ shards: [{ shard: 0, groups: groupsOf(shardZero()) }] });
    const check = (name: string) => alone.checks.find((found) => found.name === name)!;
    expect(alone.ok).toBe(true);
    expect(check("branches")).toMatchObject({ ok: null, detail: "the logs of shards 1 were not given" });
    expect(check("state-hash").ok).toBeNull();
    expect(formatCertificate(alone)).toContain("not checked: the logs of shards 1 were not given");
  });

  test("a replay that gives another state hash than the engine's is found", () => {
    const groups = groupsOf(shardZero());
    const compared = (live: string | undefined) =>
      auditLogs({ shards: [{ shard: 0, groups, replayHash: () => "aa", liveHash: () => live }] }).checks.find(
        ({ name }) => name === "state-hash",
      )!.ok;
    expect([compared("aa"), compared("ab"), compared(undefined)]).toEqual([true, false, null]);
  });

  test("stops at the end of the group that holds upTo", () => {
    const groups = groupsOf(shardZero());
    const certificate = auditLogs({ shards: [{ shard: 0, groups, upTo: groups[2]!.first }] });
    expect(certificate.shards[0]!.to).toBe(groups[2]!.last);
    expect(certificate.ok).toBe(true);
  });
});

/** Changes the facts at one place of one shard's log and audits both logs again. */
function tampered(shard: 0 | 1, at: Place, change: (fact: Fact) => readonly Fact[]): Certificate {
  const turns = logs[shard]().map(({ time, facts }, turn) => ({
    time,
    facts: facts.flatMap((fact, index) => (turn === at.turn && index === at.index ? change(fact) : [fact])),
  }));
  return shard === 0 ? audit(turns) : audit(undefined, turns);
}

interface Place {
  readonly turn: number;
  readonly index: number;
  readonly fact: Fact;
  readonly label: string;
}

function places(shard: 0 | 1): Place[] {
  return logs[shard]().flatMap(({ facts }, turn) =>
    facts.map((fact, index) => ({
      turn,
      index,
      fact,
      label: `shard ${shard} turn ${turn} ${nameOf.get(fact.type)}`,
    })),
  );
}

const everyPlace = ([0, 1] as const).flatMap((shard) =>
  places(shard).map((place) => [place.label, shard, place] as const),
);

/**
 * What no other fact speaks of. A forger who also makes the hash chain anew gets away with these; nobody else does,
 * see the test of the chain.
 */
const aloneInTheLog = {
  drop: (fact: Fact) =>
    // A refusal, or a restock's ref, that nobody needs any more.
    (fact.type === Facts.keyKept && (fact.code !== 0 || fact.space === 2)) ||
    // Then the message is heard with a later one, or was not heard yet.
    fact.type === Facts.messageReceived ||
    fact.type === Facts.messagesAcked,
  double: (fact: Fact) => fact.type === Facts.productRepriced || fact.type === Facts.keysDropped,
  fields: new Set([
    ...["name", "key", "paramsHash", "at", "text", "reason", "expectedTotal", "body", "payNow"],
    ...["limitPerAccount", "saleStartsAt", "saleEndsAt", "payBy", "expiresAt"],
  ]),
};

describe("one fact tampered with, everything else made to fit", () => {
  test.each(everyPlace.filter(([, , { fact }]) => !aloneInTheLog.drop(fact)))(
    "dropped: %s",
    (_, shard, place) => {
      const certificate = tampered(shard, place, () => []);
      expect(failed(certificate)).not.toEqual([]);
      expect(certificate.firstBad!.position).toBeGreaterThan(0);
      expect(certificate.repairPlan.length).toBeGreaterThan(1);
    },
  );

  test.each(everyPlace.filter(([, , { fact }]) => !aloneInTheLog.double(fact)))(
    "doubled: %s",
    (_, shard, place) => {
      expect(failed(tampered(shard, place, (fact) => [fact, fact]))).not.toEqual([]);
    },
  );

  const fields = everyPlace.flatMap(([label, shard, place]) =>
    Object.entries(place.fact)
      .filter(
        ([field, value]) => typeof value === "number" && field !== "type" && !aloneInTheLog.fields.has(field),
      )
      .map(([field]) => [`${label}.${field}`, shard, place, field] as const),
  );
  /** Places where one more or one less is another truth. */
  const harmless = new Set<string>([
    // The last word of a channel may be less than all that was sent, never more.
    ...["messageReceived.upTo -1", "messagesAcked.upTo -1"],
    // Which product refused, and at which price, goes into nothing.
    ...["branchAnswered.product", "branchAnswered.unitPrice"],
    // What a refusal was for.
    ...["keyKept.code", "keyKept.method", "keyKept.subject", "keyKept.space", "keyKept.order"],
    "keysDropped.count",
  ]);
  test.each(fields)("altered: %s", (label, shard, place, field) => {
    for (const by of [1, -1]) {
      const value = (place.fact as unknown as Record<string, number>)[field]! + by;
      if (value < 0) continue;
      const found = failed(tampered(shard, place, (fact) => [{ ...fact, [field]: value } as Fact]));
      const name = `${nameOf.get(place.fact.type)}.${field}`;
      const excused = refusal(place.fact) || !name.startsWith("keyKept") || place.fact.type !== Facts.keyKept;
      if ((harmless.has(name) && excused) || harmless.has(`${name} ${by}`)) continue;
      expect(found, `${label} ${by}`).not.toEqual([]);
    }
  });

  test("a line of an order altered: qty, price or product", () => {
    for (const [label, shard, place] of everyPlace) {
      if (place.fact.type !== Facts.orderPlaced) continue;
      for (const field of ["qty", "unitPrice", "product"]) {
        const found = failed(
          tampered(shard, place, (fact) => {
            const [first, ...rest] = (fact as typeof place.fact & { type: 13 }).lines;
            return [
              { ...fact, lines: [{ ...first!, [field]: first![field as "qty"] + 1 }, ...rest] } as Fact,
            ];
          }),
        );
        expect(found, `${label} ${field}`).not.toEqual([]);
      }
    }
  });

  test("the last fact of a turn and the first of the next change places", () => {
    for (const shard of [0, 1] as const) {
      const turns = logs[shard]();
      for (let at = 0; at + 1 < turns.length; at++) {
        const swapped = turns.map(({ time, facts }) => ({ time, facts: [...facts] }));
        const here = swapped[at]!.facts;
        const next = swapped[at + 1]!.facts;
        const last = here.pop()!;
        const first = next.shift()!;
        here.push(first);
        next.unshift(last);
        // What stands alone may stand in either turn.
        if ([last, first].every((fact) => aloneInTheLog.drop(fact) || fact.type === Facts.messageSent))
          continue;
        const certificate = shard === 0 ? audit(swapped) : audit(undefined, swapped);
        const label = `shard ${shard} turn ${at}: ${nameOf.get(last.type)} and ${nameOf.get(first.type)}`;
        expect(failed(certificate), label).not.toEqual([]);
      }
    }
  });
});

function refusal(fact: Fact): boolean {
  return fact.type === Facts.keyKept && (fact.code !== 0 || fact.space === 2);
}
