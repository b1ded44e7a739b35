/**
 * Calls to functions outside the engine, as a turn makes them. The intent is a fact; it leaves when that is durable
 * (`call-dispatcher`), and what became of it comes back as a report (`call-reports`).
 *
 * CALLS-1  A call is made at least once. Its id is the same in every attempt and after every restart: the other side's key.
 * CALLS-2  A report of an attempt that is not the last, or of a call that has ended, changes nothing, unless it says that the
 *          call was done or refused: that is true whichever attempt it was.
 * CALLS-3  A call ends by a report or by its owner's word, and by nothing else.
 */

import { Facts } from "../../actors/facts.js";
import { orderNumber } from "../../actors/order-number.js";
import { firstSlot } from "../links/slots.js";
import type { OpenCall } from "../tables/call-table.js";
import type { Turn } from "../turns/turn.js";
import { callOwners, type OwnerKind } from "./call-owner.js";

export interface CallSpec {
  readonly owner: OwnerKind;
  /** The owner's thing that the call is for: a refund's number, a transaction's. */
  readonly number: number;
  /** Which part of it, when it can have several calls at once. */
  readonly part?: number;
  /** Of the function, as it is registered. */
  readonly name: string;
  /** JSON; "" when the owner gives the input at the moment of the call. */
  readonly input: string;
}

/** How a call ended: numbers of `call.ended`. */
export const callEnds = { done: 1, refused: 2, dropped: 3 } as const;

/** Records the intent. Returns the call's number. */
export function makeCall(turn: Turn, asked: CallSpec): number {
  const call = orderNumber(turn.books.calls.nextSequence, firstSlot(turn.shard, turn.shards));
  turn.record({
    type: Facts.callMade,
    call,
    owner: callOwners[asked.owner],
    subject: asked.number,
    part: asked.part ?? 0,
    name: asked.name,
    input: asked.input,
  });
  return call;
}

/** The open call of an owner's thing. */
export function callOf(turn: Turn, owner: OwnerKind, number: number, part = 0): OpenCall | undefined {
  return turn.books.calls.find(callOwners[owner], number, part);
}

/** Its owner wants it no more: no attempt follows, and a report that still comes is not listened to. */
export function dropCall(turn: Turn, { call }: OpenCall): void {
  turn.record({ type: Facts.callEnded, call, how: callEnds.dropped, text: "" });
}

/** It is made again at once, and a human is told again only after as many failures as before. */
export function repeatCall(turn: Turn, { call }: OpenCall): void {
  turn.record({ type: Facts.callRepeated, call });
}

/** Calls are numbered like orders. */
export function callId(number: number): string {
  return `c${number}`;
}
