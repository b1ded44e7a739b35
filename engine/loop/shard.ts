/**
 * A shard: one thread's worth of actors, and the loop that drives them.
 *
 *   1 submit   a command is put into the mailbox, or refused because a bound is reached
 *   2 step     once per iteration of the event loop: what is due, then the mailbox, turn after turn
 *   3 record   every fact is written into the group and applied to the books
 *   4 seal     the group goes to the journal, which fsyncs it
 *   5 open     the group is durable: answers, events and frames leave
 *
 * SHARD-1  Nothing leaves (5) before the group that it depends on is durable (4): answers, refusals, reads, events, frames.
 * SHARD-2  At most one group is in flight: while it is, no turn runs. So the books never run further ahead than that.
 * SHARD-3  The first failure of the journal, and any exception in a turn, stops the shard for good: it answers nobody any more.
 * SHARD-4  Time never goes back and never stands still between turns.
 * SHARD-5  A turn first applies what is due: no command sees a hold whose deadline has passed.
 * SHARD-6  A jump of the clock is in the log before the first fact that follows it, so that every replay measures ages alike.
 */

import type { Fact } from "../../actors/facts.js";
import { Facts } from "../../actors/facts.js";
import { type Refusal, refuse, unlooked } from "../../actors/results.js";
import type { PlanSpec } from "../../actors/transactions/plan.js";
import type { Journal } from "../../persistence/log/journal.js";
import { CallDispatcher, type CallReport, noOutCalls, type OutCalls } from "../links/call-dispatcher.js";
import { Channels, decodeFrame, type Frame } from "../links/channel.js";
import { Feed } from "../links/feed.js";
import { decodeMessage } from "../links/messages.js";
import type { Bus } from "../seams/bus.js";
import type { Clock } from "../seams/clock.js";
import { type Command, storedAnswerOnly } from "../seams/commands.js";
import { groupBytesMax, groupMicrosMax, groupTurnsMax, retryAfterMs } from "../seams/limits.js";
import { printable } from "../seams/log-text.js";
import { ownerOf, type Requester } from "../seams/requester.js";
import type { Settings } from "../seams/settings.js";
import type { Books } from "../tables/books.js";
import { evolve } from "../tables/evolve.js";
import type { Timers } from "../tables/timers.js";
import { fencesDue, takeDueTransactions } from "../transactions/coordinator.js";
import { answerRefusal } from "../turns/answers.js";
import { keysDue } from "../turns/exactly-once.js";
import { endShortages } from "../turns/shortage.js";
import type { Turn } from "../turns/turn.js";
import { Unopened } from "../turns/unopened.js";
import { type ReportOfCall, runOf, takeDueCalls, takeReport } from "./call-reports.js";
import { GroupWriter } from "./group.js";
import { claimElsewhere, hasKey, isKnownKey } from "./key-lookup.js";
import { Mailbox } from "./mailbox.js";
import { methods, runCommand } from "./methods.js";
import { orderDue } from "./order-due.js";
import { takeMessage } from "./take-message.js";

/** What the loop cannot answer from the books. `done` is called at any later time, outside of turns. */
export type DeferredQueries = (
  command: Command,
  shard: number,
  position: number,
  done: (result: object | Refusal) => void,
) => void;

export interface ShardParts {
  readonly shard: number;
  readonly shards: number;
  readonly books: Books;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly bus: Bus;
  readonly settings: Settings;
  readonly outside: DeferredQueries;
  /** Functions that transactions and refunds call. Absent: there are none. */
  readonly outCalls?: OutCalls;
  /** The parts of a transaction of that name; undefined = none is defined here. Must not throw. Absent: there are none. */
  readonly plan?: (name: string, input: unknown, account: string) => PlanSpec | Refusal | undefined;
  /** Something keeps failing and somebody should look. */
  readonly alert?: (text: string) => void;
  /** There is something to do: call `step` soon. */
  readonly wake: () => void;
  /** The shard has stopped for good. */
  readonly failed: (error: unknown) => void;
}

/** Plain counters, read when somebody asks. */
export interface ShardCounters {
  turns: number;
  groups: number;
  overloaded: number;
  framesReceived: number;
  alerts: number;
}

export class Shard implements Turn {
  readonly books: Books;
  readonly settings: Settings;
  readonly feed = new Feed();
  readonly shard: number;
  readonly shards: number;
  readonly waiters = new Map<number, Command[]>();
  readonly refWaiters = new Map<string, Command[]>();
  readonly counters: ShardCounters = {
    turns: 0,
    groups: 0,
    overloaded: 0,
    framesReceived: 0,

    alerts: 0,
  };
  readonly dispatcher: CallDispatcher;
  readonly transactionWaiters = new Map<number, Command[]>();
  nowMs = 0;
  runningMs = 0;
  /** Set from outside while new orders are not wanted: draining, or the disk is nearly full. */
  refuseNewWith: Refusal | undefined;
  refusesNew: Refusal | undefined;

  readonly unopened: Unopened;

  readonly #parts: ShardParts;
  readonly #mailbox = new Mailbox<Command | Frame>();
  readonly #group: GroupWriter;
  readonly #channels: Channels;
  readonly #touched = new Set<Requester>();
  readonly #replies: (() => void)[] = [];
  nowMicros: number;
  /** Not in the mailbox, which may refuse: there are no more of them than calls that were handed out. */
  readonly #reports: ReportOfCall[] = [];
  /** Of the clock's jumps, those that a turn has seen. */
  #jumpsSeenMicros = 0;
  /** Seen, and not in the log yet. */
  #jumpMs = 0;
  #inFlight = false;
  #failure: unknown;

  constructor(parts: ShardParts) {
    this.#parts = parts;
    this.books = parts.books;
    this.settings = parts.settings;
    this.shard = parts.shard;
    this.shards = parts.shards;
    this.nowMicros = parts.books.time;
    this.unopened = new Unopened(parts.books, parts.shard, parts.shards);
    this.#group = new GroupWriter(parts.books.position);
    this.#channels = new Channels(parts.shard, parts.books.outboxes, parts.bus);
    this.dispatcher = new CallDispatcher(parts.outCalls ?? noOutCalls);
    parts.journal.onDurable = (position) => this.#open(position);
    parts.bus.listen(parts.shard, (bytes) => this.receive(bytes));
  }

  /** By what the callers' clocks show, if they are right: where engine time is ahead, so is `nowMs`. */
  get wallMs(): number {
    return this.nowMs - Math.floor(this.#parts.clock.aheadMicros / 1000);
  }

  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  /** Commands and frames that wait. */
  get waiting(): number {
    return this.#mailbox.size + this.#replies.length + this.#reports.length;
  }

  /** Nothing waits, nothing is in flight and nobody waits for another shard. */
  get isIdle(): boolean {
    return (
      this.waiting === 0 &&
      !this.#inFlight &&
      this.waiters.size + this.refWaiters.size === 0 &&
      this.#touched.size === 0
    );
  }

  /** When `step` has something to do without being asked (ms), or Infinity. */
  get nextDue(): number {
    return Math.min(...timersOf(this.books).map(({ nextDue }) => nextDue), this.#channels.nextDue);
  }

  /** Stage 1. The answer comes through the command's requester, sooner or later, once. */
  submit(command: Command): void {
    if (this.#failure !== undefined) return;
    const { lane } = methods[command.method];
    if (!this.#mailbox.put(ownerOf(command.requester), command, lane === "urgent")) {
      this.counters.overloaded++;
      const refusal = refuse("overloaded", { retryAfterMs });
      command.requester.refused(command.id, hasKey(command) ? unlooked(refusal) : refusal, false);
      this.#touched.add(command.requester);
    }
    this.#parts.wake();
  }

  /** A frame of another shard. One that does not fit is dropped like one that was lost. */
  receive(bytes: Uint8Array): void {
    if (this.#failure !== undefined) return;
    const frame = decodeFrame(bytes);
    if (frame && this.#mailbox.put(this.#channels, frame, true)) this.#parts.wake();
  }

  /** The connection is gone: nothing more is given to it. */
  forget(requester: Requester): void {
    this.feed.forget(requester);
    this.#touched.delete(requester);
  }

  /** Stages 2 to 5. True when there is more to do at once. */
  step(): boolean {
    if (this.#failure !== undefined || this.#inFlight) return false;
    try {
      this.#runTurns();
      this.#seal();
    } catch (error) {
      this.#failure = error;
      this.#parts.failed(error);
      return false;
    }
    return !this.#inFlight && this.#hasMore;
  }

  get #hasMore(): boolean {
    return this.waiting > 0 || this.feed.isBehind || this.#isDue;
  }

  /** What this step has made due: calls to make once more, and orders whose last key is gone. */
  get #isDue(): boolean {
    const { calls, timers } = this.books;
    return calls.timers.nextDue <= this.nowMs || timers.nextDue <= this.nowMs;
  }

  #runTurns(): void {
    for (const reply of this.#replies.splice(0)) {
      this.#beginTurn();
      reply();
    }
    if (this.feed.isBehind) {
      const { journal } = this.#parts;
      this.feed.catchUp(this.books, (from, bytes) => journal.read(from, bytes), this.touch);
    }
    this.#beginTurn();
    const due = keysDue(this);
    if (due > 0) this.record({ type: Facts.keysDropped, count: due });
    const ended = fencesDue(this);
    if (ended > 0) this.record({ type: Facts.fencesDropped, count: ended });
    for (const report of this.#reports.splice(0, groupTurnsMax)) {
      this.#beginTurn();
      takeReport(this, report);
    }
    const until = this.nowMicros + groupMicrosMax;
    for (let turns = 0; turns < groupTurnsMax && this.#group.bytes < groupBytesMax; turns++) {
      if (this.nowMicros > until) break;
      const item = this.#mailbox.take();
      if (!item) break;
      this.#beginTurn();
      if ("method" in item) this.#runCommand(item);
      else this.#runFrame(item);
      this.counters.turns++;
    }
  }

  /** Reads the clock (SHARD-4) and applies what is due (SHARD-5). */
  #beginTurn(): void {
    const { clock } = this.#parts;
    this.nowMicros = Math.max(clock.nowMicros(), this.nowMicros + 1);
    this.nowMs = Math.floor(this.nowMicros / 1000);
    if (clock.jumpedMicros !== this.#jumpsSeenMicros) this.#seeJump(clock.jumpedMicros);
    this.runningMs = this.nowMs - this.books.jumpedMs - this.#jumpMs;
    this.#group.beginTurn(this.nowMicros);
    const { timers } = this.books;
    while (timers.nextDue <= this.nowMs) orderDue(this, timers.take());
    takeDueCalls(this);
    takeDueTransactions(this);
  }

  #seeJump(jumpedMicros: number): void {
    this.#jumpMs += Math.floor((jumpedMicros - this.#jumpsSeenMicros) / 1000);
    this.#jumpsSeenMicros = jumpedMicros;
  }

  #runCommand(command: Command): void {
    const refusal = this.#refuseToRun(command);
    this.refusesNew = refusal;
    if (refusal && !isKnownKey(this, command)) {
      if (refusal.code === "overloaded") this.counters.overloaded++;
      answerRefusal(this, command, refusal);
      return;
    }
    const claim = claimElsewhere(this, command);
    if (!claim) {
      runCommand(this, command.method, command);
      return;
    }
    this.askDeferred(claim, (result) => {
      if ("code" in result) answerRefusal(this, command, result as Refusal);
      else runCommand(this, command.method, command);
    });
  }

  #runFrame(frame: Frame): void {
    const { outboxes } = this.books;
    this.counters.framesReceived++;
    const { firstUnacked, unacked } = outboxes.to(frame.sender);
    if (frame.ack >= firstUnacked && frame.ack < firstUnacked + unacked.length) {
      this.record({ type: Facts.messagesAcked, peer: frame.sender, upTo: frame.ack });
    }
    if (frame.messages.length === 0) return;
    const heard = outboxes.heard(frame.sender);
    let upTo = heard;
    frame.messages.forEach((body, index) => {
      if (frame.first + index !== upTo + 1) return;
      takeMessage(this, decodeMessage(body));
      upTo++;
    });
    if (upTo > heard) this.record({ type: Facts.messageReceived, peer: frame.sender, upTo });
    this.#channels.oweAck(frame.sender);
  }

  /** Stage 3. */
  record(fact: Fact): void {
    if (this.#jumpMs > 0) {
      const ms = this.#jumpMs;
      this.#jumpMs = 0;
      this.record({ type: Facts.clockJumped, ms });
    }
    this.#group.add(fact);
    evolve(this.books, fact, this.nowMicros);
    if (this.feed.size > 0) this.feed.publish(this.books, fact, this.books.position, this.nowMs, this.touch);
    if (this.books.human.open.size > 0) endShortages(this);
  }

  readonly touch = (requester: Requester): void => {
    this.#touched.add(requester);
  };

  askDeferred(command: Command, done: (result: object | Refusal) => void): void {
    this.#parts.outside(command, this.shard, this.books.position, (result) => {
      this.#replies.push(() => done(result));
      this.#parts.wake();
    });
  }

  /** Stage 4. Without facts there is nothing to wait for: all that was seen is durable already. */
  #seal(): void {
    if (this.#group.isEmpty) {
      this.#release();
      return;
    }
    this.counters.groups++;
    this.#inFlight = true;
    this.#group.seal((group) => this.#parts.journal.append(group));
  }

  /** Stage 5, when the journal says so: from inside `append`, or later. */
  #open(position: number): void {
    if (this.#failure !== undefined || position < this.books.position) return;
    this.#inFlight = false;
    this.#release();
    if (this.#hasMore) this.#parts.wake();
  }

  #release(): void {
    for (const requester of this.#touched) requester.flush();
    this.#touched.clear();
    this.#channels.send(this.nowMs);
    this.dispatcher.dispatch((call) => runOf(this, call), this.#report);
  }

  /** From outside, at any time, for a call that was handed out. */
  readonly #report = (number: number, attempt: number, report: CallReport): void => {
    if (this.#failure !== undefined) return;
    this.#reports.push({ number, attempt, report });
    this.#parts.wake();
  };

  plan(name: string, input: unknown, account: string): PlanSpec | Refusal | undefined {
    return this.#parts.plan?.(name, input, account);
  }

  alert(text: string): void {
    this.counters.alerts++;
    this.#parts.alert?.(printable(text));
  }

  /** Why nothing new may come of the command, whatever it asks for. */
  #refuseToRun({ method, refuseAfter }: Command): Refusal | undefined {
    if (this.refuseNewWith && methods[method].grows) return this.refuseNewWith;
    if (refuseAfter === 0 || this.nowMicros <= refuseAfter) return undefined;
    return refuse(refuseAfter === storedAnswerOnly ? "shutting_down" : "deadline_exceeded");
  }
}

function timersOf({ timers, calls, transactions, fences }: Books): readonly Timers[] {
  return [timers, calls.timers, transactions.timers, fences.timers];
}
