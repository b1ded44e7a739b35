/** Whose function runs when a call ends or fails: one table. */

import type { CallOwner } from "../calls/call-owner.js";
import { callOwners, type OwnerKind } from "../calls/call-owner-kinds.js";
import { refundOwner } from "../refunds/refund-owner.js";
import type { OpenCall } from "../tables/call-table.js";
import { lateCalls } from "../transactions/late-calls.js";
import { transactionCalls } from "../transactions/transaction-calls.js";

const owners: { readonly [K in OwnerKind]: CallOwner } = {
  refund: refundOwner,
  transaction: transactionCalls,
  late: lateCalls,
};

const byNumber = new Map<number, CallOwner>();
for (const [kind, owner] of Object.entries(owners)) byNumber.set(callOwners[kind as OwnerKind], owner);

/** The owner of a call. One that this build does not know is a log of a newer build. */
export function ownerOf({ owner: number }: Pick<OpenCall, "owner">): CallOwner {
  const owner = byNumber.get(number);
  if (!owner) throw new Error(`owner ${number} of a call is not known to this build`);
  return owner;
}
