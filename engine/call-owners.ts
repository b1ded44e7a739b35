/** What the owners of calls do when a call ends or fails. They run in the turn of the report, after its own fact. */

import { callOwners, type OwnerKind } from "./call-owner-kinds.js";
import type { OpenCall } from "./call-table.js";
import { refundOwner } from "./refund-owner.js";
import type { Turn } from "./turn.js";

export interface CallOutcome {
  readonly how: "done" | "refused";
  /** JSON of what the function returned, or why it refused. */
  readonly text: string;
}

export interface CallOwner {
  /** It was done, or it was refused and has had no effect. */
  ended(turn: Turn, call: OpenCall, outcome: CallOutcome): void;
  /** Nobody knows what it did; it will be made again. */
  failed?(turn: Turn, call: OpenCall, error: string): void;
  /** It failed too often, or nobody here can make it: open an item for a human. Called once until it is repeated. */
  stuck(turn: Turn, call: OpenCall): void;
  /** JSON for the function, asked at the moment of the call when `call.made` holds none. */
  input?(turn: Turn, call: OpenCall): string;
}

const owners: { readonly [K in OwnerKind]?: CallOwner } = { refund: refundOwner };

const byNumber = new Map<number, CallOwner>();
for (const [kind, owner] of Object.entries(owners)) byNumber.set(callOwners[kind as OwnerKind], owner);

/** The owner of a call. One that this build does not know is a log of a newer build. */
export function ownerOf(call: OpenCall): CallOwner {
  const owner = byNumber.get(call.owner);
  if (!owner) throw new Error(`call ${call.call}: owner ${call.owner} is not known to this build`);
  return owner;
}
