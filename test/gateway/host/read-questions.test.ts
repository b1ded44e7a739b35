import { expect, test } from "vitest";
import type { Command } from "../../../engine/seams/commands.js";
import {
  readOutMax,
  readQuestionsMax,
  readQuestionsShare,
  readRowsPerTurn,
} from "../../../engine/seams/limits.js";
import type { Requester } from "../../../engine/seams/requester.js";
import { ReadQuestions } from "../../../gateway/host/read-questions.js";
import type { ReadSide } from "../../../persistence/read/read-side.js";

interface Asked {
  readonly kind: string;
  readonly account: string;
  readonly limit: number;
  answer(): void;
}

/** A read side that answers when it is told to: accounts have 120 orders, and as many entries. */
function readSide() {
  const asked: Asked[] = [];
  const side = {
    query(kind, params, _shard, _position, done) {
      const {
        account = "",
        cursor,
        limit = 0,
      } = params as { account?: string; cursor?: string; limit?: number };
      const from = Number(cursor ?? 0);
      const rows = Array.from({ length: Math.min(limit, 120 - from) }, (_, n) => ({ n: from + n }));
      const next = from + rows.length < 120 ? String(from + rows.length) : null;
      const page =
        kind === "orders" ? { orders: rows, cursor: next } : { account, entries: rows, cursor: next };
      asked.push({ kind, account, limit, answer: () => done(kind === "order" ? { order: "o1" } : page) });
    },
    lag: () => 0,
    close: () => Promise.resolve(),
  } as ReadSide;
  return { asked, side };
}

const requester = () => ({}) as Requester;

function list(of: Requester, account: string, limit: number | undefined = 50, refuseAfter = 0): Command {
  const params = { account, limit, status: undefined, cursor: undefined };
  return { method: "order.list", requester: of, id: 1, refuseAfter, ...params };
}

function open(nowMicros = 0) {
  const { asked, side } = readSide();
  const questions = new ReadQuestions(side, 1, () => nowMicros);
  const answers: unknown[] = [];
  const ask = (command: Command) => questions.ask(command, 0, 1, (answer) => void answers.push(answer));
  return { asked, questions, answers, ask };
}

test("READ-QUESTIONS-1: a thousand questions of one connection, and another's is asked next but the ones under way", () => {
  const { asked, ask } = open();
  const rude = requester();
  for (let n = 0; n < 1000; n++) ask(list(rude, "rude"));
  expect(asked).toHaveLength(readOutMax);
  ask(list(requester(), "quiet"));
  for (let n = 0; n < 2; n++) asked[n]!.answer();
  expect(asked.slice(readOutMax).map(({ account }) => account)).toContain("quiet");
});

test("READ-QUESTIONS-2: a long page is asked for in pieces, others between them, and comes as one", () => {
  const { asked, answers, ask } = open();
  ask(list(requester(), "rude", 110));
  ask(list(requester(), "quiet", 10));
  for (let n = 0; n < asked.length; n++) {
    expect(asked[n]!.limit).toBeLessThanOrEqual(readRowsPerTurn);
    asked[n]!.answer();
  }
  expect(asked.map(({ account, limit }) => [account, limit])).toEqual([
    ["rude", 50],
    ["quiet", 10],
    ["rude", 50],
    ["rude", 10],
  ]);
  const orders = Array.from({ length: 110 }, (_, n) => ({ n }));
  expect(answers.at(-1)).toEqual({ orders, cursor: "110" });
});

test("READ-QUESTIONS-2: the last page of all ends where the rows do, and fifty are given when nobody says how many", () => {
  const { asked, answers, ask } = open();
  ask(list(requester(), "ann", 500));
  ask({ ...list(requester(), "ben"), limit: undefined } as Command);
  ask({ ...list(requester(), "cat", 500), method: "account.statement" } as Command);
  for (let n = 0; n < asked.length; n++) asked[n]!.answer();
  expect(answers.map((answer) => (answer as { cursor: string | null }).cursor)).toEqual(["50", null, null]);
  expect((answers[1] as { orders: object[] }).orders).toHaveLength(120);
  expect((answers[2] as { entries: object[] }).entries).toHaveLength(120);
});

test("READ-QUESTIONS-3: what waits for a connection that is gone is never asked", () => {
  const { asked, questions, answers, ask } = open();
  const gone = requester();
  for (let n = 0; n < 100; n++) ask(list(gone, "gone", 500));
  questions.forget(gone);
  expect(questions.open).toBe(readOutMax);
  for (const { answer } of [...asked]) answer();
  expect([asked.length, answers.length, questions.open]).toEqual([readOutMax, 0, 0]);
});

test("READ-QUESTIONS-3: past the bound who has much waiting is refused, and who has little is not", () => {
  const { answers, ask } = open();
  const rude = requester();
  for (let n = 0; n < readQuestionsMax + readOutMax; n++) ask(list(rude, "rude"));
  expect(answers).toEqual([]);
  ask(list(rude, "rude"));
  expect(answers).toMatchObject([{ code: "overloaded" }]);
  const quiet = requester();
  for (let n = 0; n < readQuestionsShare; n++) ask(list(quiet, "quiet"));
  expect(answers).toHaveLength(1);
});

test("READ-QUESTIONS-3: a question whose own deadline is over is not asked", () => {
  const { asked, answers, ask } = open(5000);
  ask(list(requester(), "ann", 50, 4999));
  expect(asked).toEqual([]);
  expect(answers).toEqual([{ code: "deadline_exceeded" }]);
});
