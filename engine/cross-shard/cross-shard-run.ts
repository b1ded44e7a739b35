/**
 * The branches of one order in one turn: does what the rule of its mode says next, until it has to wait. For an order that is
 * placed, one that ends, and a canceled one that asks for its lines once more. What of it outlives the turn is in the log.
 *
 * CROSS-SHARD-RUN-1  The end of a branch is settled when it is sent: it cannot be refused, and arrives.
 */

import { Facts, type RequestedLine } from "../../actors/facts.js";
import { slotOf } from "../../actors/order-number.js";
import {
  decisions,
  type NextStep,
  type PartState,
  type Standing,
} from "../../actors/transactions/next-step.js";
import { nextOfSaga } from "../../actors/transactions/saga.js";
import { nextOfTcc } from "../../actors/transactions/tcc.js";
import { encodeMessage, type Message } from "../links/messages.js";
import { shardOfSlot } from "../links/slots.js";
import type { Turn } from "../turns/turn.js";

export interface Run extends Standing {
  readonly order: number;
  readonly saga: boolean;
  readonly lines: readonly RequestedLine[];
  /** By line; and behind them the order's own part, if it has one. */
  readonly progress: { state: PartState; readonly stuck: boolean }[];
  decision: number;
  /** The own part answers, if it can by now. Asked before every step. */
  readonly answerOwn?: () => void;
  /** Records the decision. Left out where its record stands already. */
  readonly decided?: (how: keyof typeof decisions) => void;
}

type RunSpec = Omit<Run, "progress" | "parts" | "decision"> & {
  readonly states: readonly PartState[];
  readonly decision?: number;
};

export function newRun({ states, decision = 0, ...run }: RunSpec): Run {
  const progress = states.map((state) => ({ state, stuck: false }));
  return { ...run, progress, parts: progress.map(() => unpaired), decision };
}

/** The parts of an order move nothing between each other. */
const unpaired = { pair: -1 };

/** Goes on until the order has to wait, or all is said. */
export function advance(turn: Turn, run: Run): void {
  const rule = run.saga ? nextOfSaga : nextOfTcc;
  for (;;) {
    run.answerOwn?.();
    const next = rule(run);
    if (!next) return;
    take(turn, run, next);
    if (next.step === "finish") return;
  }
}

/** The deadline decides against it, whoever has not answered. */
export function giveUp(turn: Turn, run: Run): void {
  if (run.saga) run.progress.find(({ state }) => state === "begun")!.state = "unknown";
  else take(turn, run, { step: "decide", how: "undone" });
  advance(turn, run);
}

function take(turn: Turn, run: Run, next: NextStep): void {
  const { lines, saga, progress } = run;
  switch (next.step) {
    case "begin":
      progress[next.part]!.state = "begun";
      if (next.part < lines.length) beginBranch(turn, run, next.part);
      break;
    case "decide":
      run.decision = decisions[next.how];
      run.decided?.(next.how);
      break;
    case "end":
      progress[next.part]!.state = "settled";
      if (next.part < lines.length) sendEnd(turn, run, next.part, endings[next.call as keyof typeof endings]);
      break;
    case "settle":
      progress[next.part]!.state = "settled";
      break;
    case "finish":
      // What a saga has done stands; who did it may forget how to undo it.
      if (saga && run.decision === decisions.done)
        for (const branch of lines.keys()) sendEnd(turn, run, branch, "finalize");
  }
}

/** How a rule's call is said to a branch. */
const endings = { confirm: "confirm", cancel: "cancel", undo: "compensate" } as const;

function beginBranch(turn: Turn, { order, saga, lines }: Run, branch: number): void {
  const { productId: product, qty } = lines[branch]!;
  if (saga) turn.record({ type: Facts.branchBegun, order, branch });
  const { books } = turn;
  const account = books.accounts[books.orders.account(order)]!.id;
  sendToBranch(turn, product, { kind: saga ? "sell" : "try", order, branch, product, qty, account });
}

function sendEnd(
  turn: Turn,
  { order, lines }: Run,
  branch: number,
  kind: "confirm" | "cancel" | "compensate" | "finalize",
): void {
  sendToBranch(turn, lines[branch]!.productId, { kind, order, branch });
}

/** To the shard of a product. */
export function sendToBranch(turn: Turn, product: string, message: Message): void {
  const peer = shardOfSlot(slotOf(product), turn.shards);
  turn.record({ type: Facts.messageSent, peer, body: encodeMessage(message) });
}

/** The lines of an order that was placed. */
export function linesOf({ books }: Turn, order: number): readonly RequestedLine[] {
  const lines: RequestedLine[] = [];
  books.orders.eachLine(order, (product, qty, _unitPrice, branch) => {
    lines[branch] = { productId: books.products[product]!.id, qty };
  });
  return lines;
}
