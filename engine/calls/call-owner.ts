/**
 * Who makes calls to the outside, and what it does when one of them ends or fails, in the turn of the report, after its own fact.
 * Which object that is: `call-reports`.
 */

import type { Run } from "../links/call-dispatcher.js";
import type { OpenCall } from "../tables/call-table.js";
import type { Turn } from "../turns/turn.js";

/** Numbers stand in the log: never re-used. */
export const callOwners = { refund: 1, transaction: 2, late: 3 } as const;

export type OwnerKind = keyof typeof callOwners;

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
  /** A run was done after its call had ended without it: whatever it did must be undone, or told to a human. `text` is JSON. */
  late?(turn: Turn, run: Run, text: string): void;
  /** Whether a refusal ends the call. One that may not be refused fails instead, and a human is told at once. Absent: yes. */
  mayRefuse?(call: OpenCall): boolean;
  /** JSON for the function, asked at the moment of the call when `call.made` holds none. */
  input?(turn: Turn, call: OpenCall): string;
}
