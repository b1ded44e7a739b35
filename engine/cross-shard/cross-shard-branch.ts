/**
 * A branch of an order that crosses shards, at the shard of its product: stock that is held or sold for it. What a call does is
 * said by the fence (`actors/transactions/fence`), as for programs' transactions. But the channel gives every call once and in order, so what has
 * ended need not be remembered: nothing comes twice, and a try behind a cancel is a new question (`reinstate-order`), not the old one.
 *
 *            try            confirm        cancel             sell (saga)         finalize compensate
 *   none     held, or not   a defect       nothing to do      sold, or not        a defect nothing to do
 *   here     -              sold; gone     available; gone    -                   gone     available; gone
 */

import { Facts, type Mode } from "../../actors/facts.js";
import { orderSlot } from "../../actors/order-number.js";
import { decideTake } from "../../actors/product.js";
import { refuse, resultOf } from "../../actors/results.js";
import { type FenceCall, fenceCell } from "../../actors/transactions/fence.js";
import { encodeMessage, type MessageOf } from "../links/messages.js";
import { shardOfSlot } from "../links/slots.js";
import { nameAccount } from "../turns/name-account.js";
import type { Turn } from "../turns/turn.js";

/** How a message of an order calls its branch. */
const calls: Readonly<Record<BranchMessage["kind"], readonly [Mode, FenceCall]>> = {
  try: ["tcc", "try"],
  confirm: ["tcc", "confirm"],
  cancel: ["tcc", "cancel"],
  sell: ["saga", "do"],
  compensate: ["saga", "undo"],
  finalize: ["saga", "confirm"],
};

/** What an effect does to the units, and how `branch.ended` calls it. */
const ends = {
  confirm: { type: Facts.stockConfirmed, back: false, how: 1 },
  cancel: { type: Facts.stockReleased, back: true, how: 2 },
  undo: { type: Facts.stockReturned, back: true, how: 2 },
  remember: { type: undefined, back: false, how: 1 },
} as const;

type AskMessage = MessageOf<"try" | "sell">;
type EndMessage = MessageOf<"confirm" | "cancel" | "finalize" | "compensate">;
type BranchMessage = AskMessage | EndMessage;

export function tryBranch(turn: Turn, asked: AskMessage): void {
  const { order, branch, qty } = asked;
  const [mode, call] = calls[asked.kind];
  if (turn.books.branches.find(order, branch))
    throw new Error(`order ${order}: branch ${branch} is tried twice`);
  const { effect } = fenceCell(mode, "none", call);
  const product = turn.books.productByName.get(asked.product);
  const account = nameAccount(turn, asked.account).handle;
  const known = product && !product.remote ? product : undefined;
  const refusal = known ? decideTake(known, account, qty, turn.nowMs) : refuse("product_not_found");
  if (known && !refusal) {
    turn.record({ type: Facts.branchTried, order, branch, product: known.handle, account, qty });
    const available = known.available - qty;
    const type = effect === "do" ? Facts.stockSold : Facts.stockHeld;
    turn.record({ type, product: known.handle, order, account, qty, available });
  }
  const body = encodeMessage({
    kind: "answered",
    order,
    branch,
    code: refusal ? resultOf(refusal.code).number : 0,
    unitPrice: known?.price ?? 0,
    currency: known?.currency ?? 0,
    name: known?.name ?? "",
    text: refusal?.details ? JSON.stringify(refusal.details) : "",
  });
  turn.record({ type: Facts.messageSent, peer: shardOfSlot(orderSlot(order), turn.shards), body });
}

/** A branch that was refused has nothing to end; one that took ends once. */
export function endBranch(turn: Turn, { order, branch, kind }: EndMessage): void {
  const { books } = turn;
  const taken = books.branches.find(order, branch);
  const [mode, call] = calls[kind];
  const { effect, answer } = fenceCell(mode, taken ? standing[mode] : "none", call);
  if (answer !== "ok") throw new Error(`order ${order}: branch ${branch} is to ${kind}: ${answer}`);
  if (!taken || !effect) return;
  const { type, back, how } = ends[effect as keyof typeof ends];
  const { product: handle, account, qty } = taken;
  if (type !== undefined) {
    const product = books.products[handle]!;
    const available = back ? product.available + qty : product.available;
    turn.record({ type, product: handle, order, account, qty, available });
  }
  turn.record({ type: Facts.branchEnded, order, branch, how });
}

/** What the fence calls a branch that is here. */
const standing = { tcc: "tried", saga: "done" } as const;

/** Units that were sold come back from a refund. */
export function takeBack(turn: Turn, { order, product: id, qty, account }: MessageOf<"return">): void {
  const product = turn.books.productByName.get(id)!;
  const buyer = nameAccount(turn, account).handle;
  const available = product.available + qty;
  turn.record({ type: Facts.stockReturned, product: product.handle, order, account: buyer, qty, available });
}
