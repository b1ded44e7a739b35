import { describe, expect, test } from "vitest";
import { Facts, type Mode } from "../../../actors/facts.js";
import { moneyBuckets } from "../../../actors/postings.js";
import { resultOfNumber } from "../../../actors/results.js";
import type { Participant } from "../../../actors/transactions/fence.js";
import {
  contradictions,
  type FenceCall,
  type FenceState,
  fenceCell,
  isEnded,
} from "../../../actors/transactions/fence.js";
import { encodeFrame } from "../../../engine/links/channel.js";
import { decodeMessage, encodeMessage } from "../../../engine/links/messages.js";
import { GroupWriter } from "../../../engine/loop/group.js";
import { Shard } from "../../../engine/loop/shard.js";
import { defaultSettings } from "../../../engine/seams/settings.js";
import { Books } from "../../../engine/tables/books.js";
import { replay } from "../../../engine/tables/replay.js";
import type { Group } from "../../../persistence/log/journal.js";
import { memoryJournal, memoryStore } from "../../../persistence/log/memory-journal.js";
import { epochMs, inStep } from "../../support/engine.js";

/** The table as it was specified: state, call, state after it, answer. */
const tcc: readonly (readonly [FenceState, FenceCall, FenceState, string])[] = [
  ["none", "try", "tried", "ok"],
  ["none", "confirm", "none", "not_tried"],
  ["none", "cancel", "tombstone", "ok"],
  ["refused", "try", "refused", "same"],
  ["refused", "confirm", "refused", "not_tried"],
  ["refused", "cancel", "canceled", "ok"],
  ["tried", "try", "tried", "ok"],
  ["tried", "confirm", "confirmed", "ok"],
  ["tried", "cancel", "canceled", "ok"],
  ["confirmed", "try", "confirmed", "ok"],
  ["confirmed", "confirm", "confirmed", "ok"],
  ["confirmed", "cancel", "confirmed", "already_confirmed"],
  ["canceled", "try", "canceled", "branch_canceled"],
  ["canceled", "confirm", "canceled", "already_canceled"],
  ["canceled", "cancel", "canceled", "ok"],
  ["tombstone", "try", "tombstone", "branch_canceled"],
  ["tombstone", "confirm", "tombstone", "already_canceled"],
  ["tombstone", "cancel", "tombstone", "ok"],
];

const saga: readonly (readonly [FenceState, FenceCall, FenceState, string])[] = [
  ["none", "do", "done", "ok"],
  ["none", "undo", "tombstone", "ok"],
  ["none", "confirm", "none", "not_tried"],
  ["refused", "do", "refused", "same"],
  ["refused", "undo", "undone", "ok"],
  ["refused", "confirm", "refused", "not_tried"],
  ["done", "do", "done", "ok"],
  ["done", "undo", "undone", "ok"],
  ["done", "confirm", "confirmed", "ok"],
  ["confirmed", "do", "confirmed", "ok"],
  ["confirmed", "undo", "confirmed", "already_confirmed"],
  ["confirmed", "confirm", "confirmed", "ok"],
  ["undone", "do", "undone", "branch_canceled"],
  ["undone", "undo", "undone", "ok"],
  ["undone", "confirm", "undone", "already_canceled"],
  ["tombstone", "do", "tombstone", "branch_canceled"],
  ["tombstone", "undo", "tombstone", "ok"],
  ["tombstone", "confirm", "tombstone", "already_canceled"],
];

describe.each([
  ["tcc", tcc],
  ["saga", saga],
] as const)("the fence of a %s", (mode, table) => {
  test.each(table)("%s, %s: %s, and the answer is %s", (state, call, after, answer) => {
    const cell = fenceCell(mode, state, call);
    expect([cell.to ?? state, cell.answer]).toEqual([after, answer]);
    // What changes nothing has no effect either, so that it cannot happen twice.
    expect(cell.effect !== undefined).toBe(cell.to !== undefined);
    expect(cell.refusedTo !== undefined).toBe(
      state === "none" && cell.effect !== "remember" && cell.effect !== undefined,
    );
  });

  test("an effect happens in one cell only, and what undoes it only in the state that it made", () => {
    const effects = table.flatMap(([state, call]) => {
      const { effect } = fenceCell(mode, state, call);
      return effect === undefined || effect === "remember" ? [] : [[effect, state]];
    });
    expect(effects).toEqual(
      mode === "tcc"
        ? [
            ["try", "none"],
            ["confirm", "tried"],
            ["cancel", "tried"],
          ]
        : [
            ["do", "none"],
            ["undo", "done"],
          ],
    );
  });
});

test("what a human must see at once is what the table sends to one", () => {
  const toHuman = new Set(
    tcc.map(([, , , answer]) => answer).filter((answer) => /^(not|already)_/.test(answer)),
  );
  expect(new Set(contradictions)).toEqual(toHuman);
});

test("a state or a call of the other mode is a defect", () => {
  expect(() => fenceCell("tcc", "none", "undo")).toThrow(/no undo in state none/);
  expect(() => fenceCell("saga", "tried", "do")).toThrow(/no do in state tried/);
});

test.each([
  ["none", false],
  ["tried", false],
  ["refused", true],
  ["confirmed", true],
  ["canceled", true],
  ["tombstone", true],
  ["done", false],
  ["undone", true],
] as const)("a branch that is %s has ended: %s", (state, ended) => expect(isEnded(state)).toBe(ended));

/** A shard that frames of a peer come to, restarted from its log whenever it is asked to. */
function participantShard(groups: readonly Group[]) {
  const store = memoryStore();
  store.synced.push(...groups);
  const journal = memoryJournal({ store });
  const books = new Books();
  for (const group of groups) replay(books, group);
  let failure: unknown;
  const shard = new Shard({
    ...{ shard: 0, shards: 2, books, journal, settings: defaultSettings, wake: () => {} },
    clock: { nowMicros: () => epochMs * 1000, ...inStep },
    bus: { send: () => {}, listen: () => {} },
    outside: () => {},
    failed: (error) => {
      failure = error;
    },
  });
  return {
    books,
    store,
    run(frame: Uint8Array) {
      shard.receive(frame);
      while (shard.step());
      if (failure) throw failure;
    },
  };
}

const peer = 1;
const transaction = 1023 + 1024;

interface Event {
  readonly branch: number;
  readonly call: FenceCall;
}

const subjects: readonly (readonly [Participant, string, number])[] = [
  ["stock", "tea", 2],
  ["debit", "ann", 1000],
  ["credit", "ben", 1000],
];

function frameOf(number: number, { branch, call }: Event, mode: Mode = "tcc"): Uint8Array {
  const [what, subject, amount] = subjects[branch]!;
  const to = what === "debit" ? moneyBuckets.transit : 0;
  const body = encodeMessage({
    ...{ kind: "part", order: transaction, branch, mode, call, what, subject, account: "ann", amount },
    ...{ currency: 0, to, deadline: epochMs + 600_000 },
  });
  return encodeFrame({ sender: peer, ack: 0, first: number, messages: [body] });
}

/** What was answered to the last call. */
function lastAnswer(books: Books): string {
  const { unacked } = books.outboxes.to(peer);
  const told = decodeMessage(unacked.at(-1)!);
  if (told.kind !== "reply") throw new Error(`the answer is a ${told.kind}`);
  return told.code === 0 ? "ok" : resultOfNumber(told.code)!.code;
}

type Place = "nowhere" | "held" | "moved";

/** Slow and obvious: where a branch's part is after these calls, and what the last of them is answered. */
function modelOf(calls: readonly FenceCall[]): { at: Place; answer: string } {
  let at: Place = "nowhere";
  let canceled = false;
  let answer = "";
  for (const call of calls) {
    if (call === "try") {
      answer = canceled ? "branch_canceled" : "ok";
      if (!canceled && at === "nowhere") at = "held";
    } else if (call === "confirm") {
      answer = canceled ? "already_canceled" : at === "nowhere" ? "not_tried" : "ok";
      if (at === "held") at = "moved";
    } else {
      answer = at === "moved" ? "already_confirmed" : "ok";
      if (at !== "moved") {
        at = "nowhere";
        canceled = true;
      }
    }
  }
  return { at, answer };
}

/** Tea and two wallets, and nothing else: no key, because the first of them costs books a megabyte. */
const shopGroups: readonly Group[] = (() => {
  const groups: Group[] = [];
  const group = new GroupWriter(0);
  group.beginTurn(epochMs * 1000);
  for (const [account, id] of ["ann", "ben"].entries()) {
    group.add({ type: Facts.accountNamed, id });
    group.add({ type: Facts.accountOpened, account, currency: 0 });
    group.add({ type: Facts.accountDeposited, account, amount: 10_000, ref: "start" });
  }
  group.add({
    ...{ type: Facts.productCreated, id: "tea", name: "Tea", price: 999, currency: 0, stock: 10 },
    ...{ limitPerAccount: 0, saleStartsAt: 0, saleEndsAt: 0 },
  });
  group.seal((sealed) => groups.push({ ...sealed, body: Uint8Array.from(sealed.body) }));
  return groups;
})();

/** What the books must hold when branch `n` is at `at[n]`: units and money as one line, because it is compared so often. */
function expectedBooks([stock, debit, credit]: readonly Place[]): string {
  const [available, held, sold] = { nowhere: [10, 0, 0], held: [8, 2, 0], moved: [8, 0, 2] }[stock!];
  const ann = { nowhere: [10_000, 0], held: [9000, 1000], moved: [9000, 0] }[debit!];
  const ben = [credit === "moved" ? 11_000 : 10_000, 0];
  return String([available, held, sold, ann, ben]);
}

function foundBooks({ productByName, accountByName }: Books): string {
  const tea = productByName.get("tea")!;
  const [ann, ben] = [accountByName.get("ann")!, accountByName.get("ben")!];
  return String([tea.available, tea.held, tea.sold, ann.available, ann.held, ben.available, ben.held]);
}

/**
 * Every order of the events that are left, each delivered as often as it says or less, with a crash after every record: each
 * event finds a shard that was made anew from the log. A node of this tree is one order of events; returns how many there are.
 */
function everyOrder(left: readonly (readonly [Event, number])[], branches: readonly number[]): number {
  const calls: FenceCall[][] = subjects.map(() => []);
  const walk = (groups: readonly Group[], depth: number, counts: number[]): number => {
    let orders = 0;
    for (const [index, [event]] of left.entries()) {
      if (counts[index] === 0) continue;
      const shard = participantShard(groups);
      shard.run(frameOf(depth, event));
      calls[event.branch]!.push(event.call);
      const expected = calls.map(modelOf);
      const open = branches.filter((branch) => expected[branch]!.at === "held").length;
      const found = [foundBooks(shard.books), lastAnswer(shard.books), shard.books.fences.open].join(" ");
      const right = [expectedBooks(expected.map(({ at }) => at)), expected[event.branch]!.answer, open];
      if (found !== right.join(" ")) expect([calls, found]).toEqual([calls, right.join(" ")]);
      counts[index]!--;
      orders += 1 + walk([...shard.store.synced], depth + 1, counts);
      counts[index]!++;
      calls[event.branch]!.pop();
    }
    return orders;
  };
  return walk(
    shopGroups,
    1,
    left.map(([, count]) => count),
  );
}

test("TRANSFERS-1: every order of try, confirm and cancel, each none, once or twice, a crash after each record: nothing is lost or made", () => {
  const of = (branch: number, times: number) =>
    (["try", "confirm", "cancel"] as const).map((call) => [{ branch, call }, times] as const);
  let orders = 0;
  for (const branch of [0, 1, 2]) orders += everyOrder(of(branch, 2), [branch]);
  // Two branches of one transaction: whatever becomes of one, the other is its own.
  for (const [one, other] of [
    [0, 1],
    [1, 2],
    [2, 0],
    [1, 0],
  ] as const) {
    orders += everyOrder([...of(one, 2), ...of(other, 1).slice(0, 2)], [one, other]);
  }
  expect(orders).toBeGreaterThanOrEqual(50_000);
}, 300_000);

/** These calls to one branch, one record each; the books after them. */
function after(branch: number, calls: readonly FenceCall[], mode: Mode = "tcc") {
  const shard = participantShard(shopGroups);
  const answers = calls.map((call, index) => {
    shard.run(frameOf(index + 1, { branch, call }, mode));
    return lastAnswer(shard.books);
  });
  return { answers, found: foundBooks(shard.books), size: shard.books.fences.size };
}

const untouched = "10,0,0,10000,0,10000,0";

test("cancel of a participant that was never tried must not mint money", () => {
  for (const branch of [0, 1, 2]) {
    expect(after(branch, ["cancel"])).toEqual({ answers: ["ok"], found: untouched, size: 1 });
    const late = after(branch, ["cancel", "try"]);
    expect(late).toEqual({ answers: ["ok", "branch_canceled"], found: untouched, size: 1 });
    expect(after(branch, ["undo", "do"], "saga").found).toBe(untouched);
  }
});

test("PARTICIPANT-2: confirm or cancel twice must not move twice", () => {
  for (const branch of [0, 1, 2]) {
    const once = after(branch, ["try", "confirm"]);
    const twice = after(branch, ["try", "confirm", "confirm", "cancel"]);
    expect(twice.found).toBe(once.found);
    expect(twice.answers).toEqual(["ok", "ok", "ok", "already_confirmed"]);
    expect(after(branch, ["try", "cancel", "cancel"]).found).toBe(untouched);
    expect(after(branch, ["do", "do", "undo", "undo"], "saga").found).toBe(untouched);
  }
});

test("a confirm that overtook its try has no effect, and takes nothing from the try", () => {
  for (const branch of [0, 1, 2])
    expect(after(branch, ["confirm", "try", "confirm"]).answers).toEqual(["not_tried", "ok", "ok"]);
});
