/** The auditor and the read model against logs that the engine itself wrote, whatever it was asked. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { readFacts } from "../../../actors/fact-codec.js";
import { Facts } from "../../../actors/facts.js";
import { auditLogs } from "../../../persistence/audit/audit.js";
import { ReadModel } from "../../../persistence/read/read-model.js";
import { prepareAnswers } from "../../../persistence/read/read-queries.js";
import { openReadDatabase } from "../../../persistence/read/read-schema.js";
import { type CommandParams, type TestEngine, testEngine } from "../../support/engine.js";
import { type Step, steps } from "../../support/model-run.js";

test.each([1, 3])(
  "%i shards, any requests: the audit finds nothing, and the read model tells what the engine tells",
  (shards) => {
    fc.assert(
      fc.property(steps({ batches: true, restarts: true, maxLength: 120 }), (run) => {
        const engine = played(shards, run);
        audited(engine);
        readAs(engine);
      }),
      { numRuns: 150 },
    );
  },
);

/** Few keys are kept and holds are short, so that keys are dropped and orders expire in most runs. */
const settings = { graceMs: 2000, payWithinMs: 900_000, keysKeepMs: 3_600_000, keysMax: 12 };

function played(shards: number, run: readonly Step[]): TestEngine {
  let engine = testEngine({ shards, settings });
  const placed: string[] = [];
  const past: CommandParams[] = [];
  const ask = (requests: readonly CommandParams[]) => {
    engine.clock.micros += 1000;
    const asked = requests.map(({ ago, ...params }) => {
      const order =
        typeof params.order === "number" ? { order: placed[params.order % placed.length] ?? "o1025" } : {};
      return {
        ...params,
        ...order,
        ...(typeof ago === "number" && { at: engine.clock.micros / 1000 - ago }),
      };
    }) as CommandParams[];
    past.push(...asked);
    const numbers = asked.map((params) => engine.submit(params));
    engine.settle();
    for (const number of numbers) {
      const order: unknown = engine.answerTo(number)?.result?.order;
      if (typeof order === "string" && order !== "" && !placed.includes(order)) placed.push(order);
    }
  };
  for (const account of ["ann", "ben"]) {
    ask([{ method: "account.open", account, currency: "CNY" }]);
    ask([{ method: "account.deposit", account, amount: "60.00", ref: "stage" }]);
  }
  const common = { method: "product.create", currency: "CNY" } as const;
  ask([{ ...common, product: "tea", name: "Tea", price: "2.50", stock: 30 }]);
  ask([{ ...common, product: "mug", name: "Mug", price: "1.00", stock: 12, limitPerAccount: 4 }]);
  for (const step of run) {
    if (step.kind === "pass") engine.pass(step.count);
    else if (step.kind === "restart") engine = engine.restart();
    else if (step.kind === "again") ask([past[Math.max(0, past.length - 1 - step.count)]!]);
    else ask(step.requests);
  }
  return engine;
}

/** How often it saw what. */
function audited(engine: TestEngine): [string, number][] {
  const hashes = engine.hashes();
  const certificate = auditLogs({
    shards: engine.journals.map((journal, shard) => ({
      shard,
      groups: journal.read(1),
      replayHash: () => hashes[shard]!,
      liveHash: () => hashes[shard]!,
    })),
  });
  expect(certificate.firstBad).toBeUndefined();
  expect(certificate.ok).toBe(true);
  let keysDropped = 0;
  for (const journal of engine.journals) {
    for (const { body, first } of journal.read(1)) {
      readFacts(body, first, (fact) => {
        if (fact.type === Facts.keysDropped) keysDropped += fact.count;
      });
    }
  }
  return [
    ...Object.entries(certificate.figures.byStatus),
    ...certificate.checks.map(({ name, count }): [string, number] => [name, count]),
    ["keysDropped", keysDropped],
  ];
}

/** Every order, and the balance of every account, as the engine answers now. */
function readAs(engine: TestEngine): void {
  const db = openReadDatabase(":memory:");
  const model = new ReadModel(db);
  for (const [shard, journal] of engine.journals.entries()) model.project(shard, [...journal.read(1)]);
  model.commit();
  const answers = prepareAnswers(db);
  for (const account of ["ann", "ben"]) {
    const { orders } = answers.orders({ account, limit: 500 });
    for (const found of orders as { order: string }[]) {
      expect(found).toEqual(engine.ask({ method: "order.get", order: found.order }).result);
    }
    const { available } = engine.ask({ method: "account.get", account }).result;
    expect(answers.statement({ account, limit: 1 }).entries).toMatchObject([{ available }]);
  }
  db.close();
}
