import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Fact, Facts } from "../../../actors/facts.js";
import { auditLogs, type Certificate } from "../../../persistence/audit/audit.js";
import { formatCertificate } from "../../../persistence/audit/certificate.js";
import { ExactSum } from "../../../persistence/audit/exact-sum.js";
import { LogDamaged } from "../../../persistence/log/journal.js";
import { shopStory } from "../shop-story.js";
import { groupsOf, shardOne, shardZero, type Turn } from "../trading-log.js";

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

/** Whoever reads the certificate sees that something is wrong: a check failed, or a shard is missing that should not be. */
function noticed(certificate: Certificate): boolean {
  return !certificate.ok || certificate.checks.some(({ name, ok }) => name === "messages" && ok === null);
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

  test("every kind of fact is in one of the logs that are tampered with, here or in audit-after-sale", () => {
    const used = new Set(
      [...shardZero(), ...shardOne(), ...shopStory()].flatMap(({ facts }) => facts.map(({ type }) => type)),
    );
    // Those of transactions and of payments from another shard: `audit-transactions`.
    const elsewhere = (type: number) =>
      (type >= Facts.callMade && type <= Facts.moneyTransferred) || type >= Facts.paymentForwarded;
    const missing = [...nameOf.keys()].filter((type) => !used.has(type as Fact["type"]));
    expect(missing.filter((type) => !elsewhere(type))).toEqual([]);
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
  double: (fact: Fact) =>
    fact.type === Facts.productRepriced ||
    fact.type === Facts.keysDropped ||
    // Then the second one is still under way.
    fact.type === Facts.messageSent,
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
      expect(noticed(tampered(shard, place, (fact) => [fact, fact]))).toBe(true);
    },
  );

  const fields = everyPlace.flatMap(([label, shard, place]) =>
    Object.entries(place.fact)
      .filter(
        ([field, value]) => typeof value === "number" && field !== "type" && !aloneInTheLog.fields.has(field),
      )
      .map(([field]) => [`${label}.${field}`, shard, place, field] as const),
  );
  /** One more or one less of these is another truth, not a contradiction. */
  const harmless = new Set([
    // The last word of a channel may be less than all that was sent, never more.
    ...["messageReceived.upTo -1", "messagesAcked.upTo -1", "messagesAcked.peer -1"],
    // A refusal: which one, of what, at which price.
    ...["branchAnswered.code", "branchAnswered.product", "branchAnswered.unitPrice"],
    ...["keyKept.code", "keyKept.method", "keyKept.order"],
    // A restock may come without a ref, and a ref may be refused.
    "keyKept.code of a restock 1",
    ...["keysDropped.count 1", "keysDropped.count -1"],
  ]);
  test.each(fields)("altered: %s", (_, shard, place, field) => {
    for (const by of [1, -1]) {
      const value = (place.fact as unknown as Record<string, number>)[field]! + by;
      if (value < 0) continue;
      const ofRestock = place.fact.type === Facts.keyKept && place.fact.space === 2 && field === "code";
      const name = `${nameOf.get(place.fact.type)}.${field}${ofRestock ? " of a restock" : ""}`;
      if (harmless.has(`${name} ${by}`) || (harmless.has(name) && isRefusal(place.fact) && value !== 0))
        continue;
      const certificate = tampered(shard, place, (fact) => [{ ...fact, [field]: value } as Fact]);
      expect(noticed(certificate), `${name} ${by}`).toBe(true);
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
    const unnoticed: string[] = [];
    for (const shard of [0, 1] as const) {
      const turns = logs[shard]();
      for (let at = 0; at + 1 < turns.length; at++) {
        const swapped = turns.map(({ time, facts }) => ({ time, facts: [...facts] }));
        const last = swapped[at]!.facts.pop()!;
        const first = swapped[at + 1]!.facts.shift()!;
        swapped[at]!.facts.push(first);
        swapped[at + 1]!.facts.unshift(last);
        const certificate = shard === 0 ? audit(swapped) : audit(undefined, swapped);
        if (!noticed(certificate)) unnoticed.push(`${nameOf.get(last.type)}, ${nameOf.get(first.type)}`);
      }
    }
    // Neither of the two depends on the other: they could have happened in this order.
    expect(new Set(unnoticed)).toEqual(
      new Set([
        "productCreated, accountNamed",
        "messageReceived, messagesAcked",
        "messageReceived, branchAnswered",
        "messageReceived, orderBegun",
        "messageReceived, messageSent",
        "messageSent, branchAnswered",
      ]),
    );
  });
});

describe("the hash chain", () => {
  test("any byte of any group changed in place: the group is named", () => {
    const groups = groupsOf(shardZero());
    for (const [index, group] of groups.entries()) {
      for (let at = 0; at < group.body.length; at += 7) {
        const body = group.body.slice();
        body[at]! ^= 1;
        const damaged = groups.map((whole, i) => (i === index ? { ...whole, body } : whole));
        const certificate = auditLogs({ shards: [{ shard: 0, groups: damaged }] });
        expect(failed(certificate)).toContain("log");
      }
    }
  });

  test("a group dropped, doubled, or moved", () => {
    const groups = groupsOf(shardZero());
    const check = (changed: typeof groups) => failed(auditLogs({ shards: [{ shard: 0, groups: changed }] }));
    for (let at = 1; at + 1 < groups.length; at++) {
      const before = groups.slice(0, at);
      const after = groups.slice(at + 1);
      const group = groups[at]!;
      expect(check([...before, ...after])).toContain("log");
      expect(check([...before, group, group, ...after])).toContain("log");
      expect(check([...before, after[0]!, group, ...after.slice(1)])).toContain("log");
    }
  });

  test("a reader that finds the log damaged: what it says is in the certificate", () => {
    function* reader() {
      yield* groupsOf(shardZero()).slice(0, 2);
      throw new LogDamaged("log-1.db", "row 3", "the group does not match its hash");
    }
    const certificate = auditLogs({ shards: [{ shard: 0, groups: reader() }] });
    expect(certificate.firstBad!.what).toContain("log-1.db: row 3");
    expect(formatCertificate(certificate)).toContain("what to do");
  });
});

test("a sum beyond 2^53 stays exact", () => {
  fc.assert(
    fc.property(fc.array(fc.maxSafeInteger(), { maxLength: 50 }), (amounts) => {
      const sum = new ExactSum();
      for (const amount of amounts) sum.add(amount);
      expect(sum.value).toBe(amounts.reduce((s, amount) => s + BigInt(amount), 0n));
    }),
  );
});

function isRefusal(fact: Fact): boolean {
  const answer = fact.type === Facts.keyKept || fact.type === Facts.branchAnswered;
  return answer && fact.code !== 0;
}
