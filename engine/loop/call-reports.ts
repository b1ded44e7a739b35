/** What comes back from outside, and what is due to go there again: turns of their own. */

import { Facts } from "../../actors/facts.js";
import { nextTry } from "../../actors/transactions/retry.js";
import { type CallOwner, callOwners, type OwnerKind } from "../calls/call-owner.js";
import { callEnds, callId } from "../calls/calls.js";
import type { CallReport, Run } from "../links/call-dispatcher.js";
import { refundOwner } from "../refunds/refund-owner.js";
import { callErrorCharsMax } from "../seams/limits.js";
import { logText } from "../seams/log-text.js";
import type { OpenCall } from "../tables/call-table.js";
import { lateCalls } from "../transactions/late-calls.js";
import { transactionCalls } from "../transactions/transaction-calls.js";
import type { Turn } from "../turns/turn.js";

/** A call that nobody here can make waits so long for a report before a human is told. */
export const unknownCallMs = 86_400_000;

/** Whose function runs when a call ends or fails. */
const owners: { readonly [K in OwnerKind]: CallOwner } = {
  refund: refundOwner,
  transaction: transactionCalls,
  late: lateCalls,
};

const byNumber = new Map<number, CallOwner>();
for (const [kind, owner] of Object.entries(owners)) byNumber.set(callOwners[kind as OwnerKind], owner);

/** The owner of a call. One that this build does not know is a log of a newer build. */
function ownerOf({ owner: number }: Pick<OpenCall, "owner">): CallOwner {
  const owner = byNumber.get(number);
  if (!owner) throw new Error(`owner ${number} of a call is not known to this build`);
  return owner;
}

export interface ReportOfCall {
  readonly number: number;
  readonly attempt: number;
  readonly report: CallReport;
}

/** A report of a run. What comes of a run that has ended before is not listened to: unless it says what is true whenever it was. */
export function takeReport(turn: Turn, { number, attempt, report }: ReportOfCall): void {
  const { dispatcher, books } = turn;
  const wasLate = dispatcher.isLate(number);
  const run = dispatcher.returned(number, attempt, report);
  const call = books.calls.open.get(number);
  if (!call) {
    if (run && report.how === "done") ownerOf(run).late?.(turn, run, report.text);
    return;
  }
  if (report.how === "failed") {
    if (!run) return;
    if (!wasLate || report.running) recordFailure(turn, call, report.error, false);
    // That it is late was said, and it may have been due again while it ran.
    else if (call.dueAt <= turn.nowMs) dispatcher.wait(number);
    return;
  }
  if (report.how === "refused" && ownerOf(call).mayRefuse?.(call) === false) {
    if (run) recordFailure(turn, call, `refused: ${report.text}`, true);
    return;
  }
  turn.record({ type: Facts.callEnded, call: number, how: callEnds[report.how], text: report.text });
  ownerOf(call).ended(turn, call, report);
}

function recordFailure(turn: Turn, call: OpenCall, said: string, contradiction: boolean): void {
  const error = logText(said, callErrorCharsMax);
  const failures = call.failed + 1 - call.forgiven;
  const since = call.firstFailedAt === 0 ? turn.nowMs : call.firstFailedAt;
  const { dueAt, alert, human } = nextTry(call.call, failures, since, turn.nowMs);
  turn.record({ type: Facts.callFailed, call: call.call, dueAt, error });
  if (alert) turn.alert(`${callId(call.call)} ${call.name}: failed ${failures} times, last: ${error}`);
  const owner = ownerOf(call);
  owner.failed?.(turn, call, error);
  if (human || contradiction) tellHuman(turn, call);
}

/** Timers of calls that fired: what can be made here goes to the dispatcher, what cannot waits for a day and then for a human. */
export function takeDueCalls(turn: Turn): void {
  const { calls } = turn.books;
  while (calls.timers.nextDue <= turn.nowMs) {
    const call = calls.open.get(calls.timers.take());
    if (!call || call.dueAt > turn.nowMs) continue;
    if (turn.dispatcher.knows(call.name)) turn.dispatcher.wait(call.call);
    else if (turn.nowMs >= call.since + unknownCallMs) tellHuman(turn, call);
    else calls.timers.add(call.since + unknownCallMs, call.call);
  }
}

/** The call as it is handed out now. */
export function runOf(turn: Turn, number: number): Run | undefined {
  const call = turn.books.calls.open.get(number);
  if (!call) return undefined;
  const { owner, subject, part, name } = call;
  const input = call.input === "" ? (ownerOf(call).input?.(turn, call) ?? "") : call.input;
  return { out: { call: callId(number), attempt: call.failed + 1, name, input }, owner, subject, part };
}

function tellHuman(turn: Turn, call: OpenCall): void {
  if (call.stuck || !turn.books.calls.open.has(call.call)) return;
  turn.record({ type: Facts.callStuck, call: call.call });
  ownerOf(call).stuck(turn, call);
}
