/**
 * The process of one shard: it starts, recovers, runs, dies at a moment that the seed has chosen, and starts again.
 *
 * HOST-1  What a dead process still held in memory never gets out: its answers are dropped, its timers do nothing.
 * HOST-2  Recovery from a snapshot and the groups after it gives the same books as recovery from the log alone.
 * HOST-3  The books of a running shard are, between groups, what its durable log says.
 */

import { parseOrderId, parseRefundId } from "../../actors/order-number.js";
import { type Refusal, refuse } from "../../actors/results.js";
import type { OutCalls } from "../../engine/links/call-dispatcher.js";
import { askShards, isForShards } from "../../engine/loop/ask-shards.js";
import { Shard } from "../../engine/loop/shard.js";
import { type Clock, startClock, type TimeSource } from "../../engine/seams/clock.js";
import type { Command } from "../../engine/seams/commands.js";
import { clockAheadMsMax } from "../../engine/seams/limits.js";
import { Books } from "../../engine/tables/books.js";
import { replay } from "../../engine/tables/replay.js";
import { loadBooks, saveBooks, stateHash } from "../../engine/tables/snapshot.js";
import type { Group } from "../../persistence/log/journal.js";
import { Disk, DiskJournal, type Fate, Killed } from "./disk.js";
import { ReadModel } from "./read-model.js";
import { planOf } from "./transaction-plan.js";
import type { World } from "./world.js";

/** Three days: longer than keys and fences are kept. */
const jumpMicrosMax = 259_200_000_000;

/** Longer than anything waits in this world. */
const leapMicros = 10_000_000_000_000;

/** 2026-01-01T00:00:00Z */
export const epochMs = 1_767_225_600_000;

export class Host {
  readonly number: number;
  readonly disk = new Disk();
  shard: Shard | undefined;
  /** Counts the starts of the process. */
  incarnation = 0;
  /** The latest engine time that there ever was here, microseconds. */
  clockMax = 0;
  /** World time since which it runs, on a clock that nobody has moved. */
  steadySince = 0;
  /** The machine's wall clock against the world's time, microseconds. */
  #wallOffset = 0;
  /** The same of its steady clock: only what the world itself leaps. */
  #steadyOffset = 0;
  #clock: Clock | undefined;
  /** What its clock showed when this life began, milliseconds. */
  bornMs = 0;
  #journal: DiskJournal | undefined;
  #snapshot: { position: number; chunks: Uint8Array[] } | undefined;
  #stepScheduled = false;
  #timerAt = Number.POSITIVE_INFINITY;
  #failure: Error | undefined;
  readonly #readModel = new ReadModel();
  readonly #world: World;

  constructor(world: World, number: number) {
    this.#world = world;
    this.number = number;
  }

  /** Engine time; of a process that is dead, what the next one would see. */
  nowMicros(): number {
    const now = this.#clock?.nowMicros() ?? this.wallMicros;
    this.clockMax = Math.max(this.clockMax, now);
    return now;
  }

  /** The moment of the world at which engine time will be so late, if nobody moves the clock. */
  worldTimeOf(micros: number): number {
    return this.#world.schedule.now + micros - this.nowMicros();
  }

  get aheadMicros(): number {
    return this.#clock?.aheadMicros ?? 0;
  }

  get jumpedMicros(): number {
    return this.#clock?.jumpedMicros ?? 0;
  }

  get wallMicros(): number {
    return epochMs * 1000 + this.#world.schedule.now + this.#wallOffset;
  }

  readonly #time: TimeSource = {
    wallMs: () => this.wallMicros / 1000,
    steadyMs: () => (this.#world.schedule.now + this.#steadyOffset) / 1000,
    resolutionMs: 0,
  };

  /** Position up to which the log would survive a power loss. */
  get durable(): number {
    return this.disk.groups.at(-1)?.last ?? 0;
  }

  get isQuiet(): boolean {
    const { shard } = this;
    if (!shard) return false;
    return shard.isIdle && this.durable === shard.books.position;
  }

  /** Everything that it has sent to other shards is acknowledged. */
  get hasBeenHeard(): boolean {
    const { outboxes } = this.shard!.books.outboxes;
    return [...outboxes.values()].every(({ unacked }) => unacked.length === 0);
  }

  start(): void {
    const world = this.#world;
    if (this.shard) return;
    const incarnation = ++this.incarnation;
    this.steadySince = world.schedule.now;
    const journal = new DiskJournal(this.disk, {
      random: world.random,
      fate: (group) => this.#fate(group),
      later: (run) => world.schedule.after(world.random.between(200, 6000), run),
      failed: (error) => this.#fail(error, incarnation),
    });
    this.#journal = journal;
    this.#timerAt = Number.POSITIVE_INFINITY;
    const books = this.#recover(journal);
    this.#startClock(books.time);
    this.shard = new Shard({
      shard: this.number,
      shards: world.plan.shards,
      books,
      journal,
      clock: this,
      bus: world.bus.ofShard(this.number),
      settings: world.plan.settings,
      outside: (command, _shard, position, done) => this.#outside(command, position, incarnation, done),
      plan: planOf,
      outCalls: this.#outCalls(incarnation),
      alert: () => world.coverage.hit("alert"),
      wake: () => this.wake(),
      failed: (error) => this.#fail(error as Error, incarnation),
    });
    world.trace.note(world.schedule.now, `start ${this.number} at ${this.shard.books.position}`);
    this.wake();
  }

  /** Where the log is ahead of the clock by too much, the operator accepts it. */
  #startClock(logMicros: number): void {
    const { coverage } = this.#world;
    const aheadMs = (logMicros - this.wallMicros) / 1000;
    if (aheadMs > clockAheadMsMax) coverage.hit("started on a log that is ahead of the clock");
    else if (logMicros > 0 && -aheadMs > clockAheadMsMax) coverage.hit("the clock jumped while nobody ran");
    this.#clock = startClock(this.#time, logMicros);
    this.bornMs = Math.floor(this.nowMicros() / 1000);
  }

  submit(command: Command): void {
    this.shard?.submit(command);
  }

  wake(): void {
    if (this.#stepScheduled) return;
    this.#stepScheduled = true;
    const { schedule, random } = this.#world;
    schedule.after(random.below(300), () => {
      this.#stepScheduled = false;
      this.#step();
    });
  }

  /** Dies now. `again` is when it is started again; what it had not synced may be there then, or not. */
  kill(why: string): void {
    if (!this.shard) return;
    const { random, plan, schedule, coverage, trace, network } = this.#world;
    if (this.shard.books.pending.size > 0) coverage.hit("killed with pending orders");
    if (this.shard.books.transactions.open.size > 0) coverage.hit("killed with open transactions");
    const powerLoss = random.chance(plan.powerLoss);
    if (powerLoss) coverage.hit("power loss");
    this.#journal!.close();
    const { survived, lost, torn } = this.disk.crash(random, powerLoss);
    if (survived > 0) coverage.hit("unacknowledged group survived");
    if (lost > 0) coverage.hit("unacknowledged group lost");
    if (torn) coverage.hit("torn group dropped");
    trace.note(schedule.now, `dead ${this.number}: ${why}, at ${this.durable}${torn ? ", torn" : ""}`);
    this.shard = undefined;
    this.#clock = undefined;
    this.#failure = undefined;
    network.hostDied(this);
    schedule.after(random.between(1000, 400_000), () => this.start());
  }

  /** The disk is nearly full for a while: nothing new is wanted. */
  fillDisk(): void {
    const { shard } = this;
    if (!shard) return;
    const { schedule, random, trace, coverage } = this.#world;
    coverage.hit("disk nearly full");
    trace.note(schedule.now, `nearly full ${this.number}`);
    shard.refuseNewWith = refuse("overloaded", { retryAfterMs: 50 });
    schedule.after(random.between(10_000, 300_000), () => {
      shard.refuseNewWith = undefined;
    });
  }

  /** Runs from now on. Its clock is what has become of it. */
  heal(): void {
    this.start();
    if (this.shard) this.shard.refuseNewWith = undefined;
    this.wake();
  }

  /** So much time passes at once. */
  leap(micros: number): void {
    this.#wallOffset += micros;
    this.#steadyOffset += micros;
    this.#timerAt = Number.POSITIVE_INFINITY;
    this.wake();
  }

  snapshot(): void {
    if (!this.shard || this.durable !== this.shard.books.position || this.#journal!.appended !== this.durable)
      return;
    const { coverage, trace, schedule } = this.#world;
    coverage.hit("snapshot taken");
    const chunks = [...saveBooks(this.shard.books)].map((chunk) => Uint8Array.from(chunk));
    this.#snapshot = { position: this.durable, chunks };
    trace.note(schedule.now, `snapshot ${this.number} at ${this.durable}`);
    // Reading a log from its beginning is the dearest thing here; every third one is as good.
    if (this.#world.verify && this.durable % 3 === 0) this.expectBooksOfLog();
  }

  /** HOST-3. */
  expectBooksOfLog(): void {
    const { audit } = this.#world;
    const fromLog = booksOf(this.disk.groups);
    if (stateHash(fromLog) !== stateHash(this.shard!.books)) {
      audit.violation(
        `shard ${this.number}: the running books are not what the log says (at ${this.durable})`,
      );
    }
  }

  stepClock(): void {
    const { random, coverage, schedule, trace, plan } = this.#world;
    const far = random.chance(plan.clockJump);
    const step = far ? random.between(-jumpMicrosMax, jumpMicrosMax) : random.between(-3_000_000, 2_000_000);
    this.#wallOffset += step;
    this.steadySince = schedule.now;
    coverage.hit(`clock ${far ? "jumped" : "stepped"} ${step < 0 ? "back" : "forward"}`);
    trace.note(schedule.now, `clock ${this.number} ${step}`);
    this.wake();
  }

  #step(): void {
    const { shard } = this;
    if (!shard) return;
    const more = shard.step();
    if (this.#failure) {
      const error = this.#failure;
      if (!(error instanceof Killed) && error.name !== "JournalFailed") throw error;
      this.#world.coverage.hitCode(error.message);
      this.kill(error.message);
      return;
    }
    if (more) this.wake();
    this.#armTimer();
  }

  /** Refunds are called for at the providers, parts of transactions at the carrier. */
  #outCalls(incarnation: number): OutCalls {
    const { providers, carrier } = this.#world;
    const refunds = providers.ofHost(this, incarnation);
    const parts = carrier.ofHost(this, incarnation);
    return {
      knows: (name) => refunds.knows(name) || parts.knows(name),
      call: (call, report) => (refunds.knows(call.name) ? refunds : parts).call(call, report),
    };
  }

  /** What the loop cannot answer alone: old orders from the read side, and other shards for a dry run. */
  #outside(
    command: Command,
    position: number,
    incarnation: number,
    done: (result: object | Refusal) => void,
  ): void {
    const { schedule, random, hosts, plan, coverage } = this.#world;
    let open = true;
    const answer = (result: object | Refusal) => {
      if (!open || this.incarnation !== incarnation || !this.shard) return;
      open = false;
      done(result);
    };
    if (isForShards(command)) {
      askShards(command, plan.shards, (shard, asked) => hosts[shard]!.submit(asked), answer);
      // A shard that is down says nothing.
      schedule.after(1_000_000, () => answer(refuse("overloaded", { retryAfterMs: 50 })));
      return;
    }
    const look = () => {
      if (this.incarnation !== incarnation || !this.shard) return;
      // The read side answers when it has read all that whoever asked could know of.
      if (this.durable < position) {
        schedule.after(500, look);
        return;
      }
      this.#readModel.catchUp(this.disk.groups);
      if (command.method === "order.get") {
        coverage.hit("archived order asked for");
        answer(this.#readModel.order(parseOrderId(command.order)!) ?? refuse("order_not_found"));
      } else if (command.method === "refund.get") {
        answer(this.#readModel.refund(parseRefundId(command.refund)!) ?? refuse("refund_not_found"));
      } else answer(refuse("internal"));
    };
    schedule.after(random.between(50, 3000), look);
  }

  /** The clock may be moved at any time, so no wait is longer than a quarter of a second, until nobody moves it any more. */
  #armTimer(): void {
    const due = this.shard!.nextDue * 1000;
    if (due === Number.POSITIVE_INFINITY) return;
    const { schedule } = this.#world;
    const wait = Math.min(this.#world.healed ? leapMicros : 250_000, Math.max(100, due - this.nowMicros()));
    if (this.#timerAt <= schedule.now + wait && this.#timerAt > schedule.now) return;
    const at = schedule.now + wait;
    this.#timerAt = at;
    const { incarnation } = this;
    schedule.at(at, () => {
      if (this.incarnation !== incarnation || this.#timerAt !== at) return;
      this.#timerAt = Number.POSITIVE_INFINITY;
      this.#step();
    });
  }

  #fate(group: Group): Fate {
    const { plan, random, trace, schedule, healed, coverage } = this.#world;
    let fate: Fate = "synced";
    if (!healed) {
      let left = random.next() / 0x100000000;
      for (const [name, probability] of Object.entries(plan.disk)) {
        left -= probability;
        if (left >= 0) continue;
        fate = name as Fate;
        break;
      }
    }
    if (fate === "synced late") coverage.hit(fate);
    trace.note(
      schedule.now,
      `append ${this.number} ${group.first}..${group.last} ${checksum(group.body)} ${fate}`,
    );
    return fate;
  }

  #fail(error: Error, incarnation: number): void {
    if (incarnation !== this.incarnation || !this.shard) return;
    this.#failure = error;
    // Inside a step the step itself notices; a sync that fails later has nobody else to tell.
    if (error.message === "late sync error") {
      this.#world.coverage.hit("late sync error");
      this.kill(error.message);
    }
  }

  #recover(journal: DiskJournal): Books {
    const { coverage, random, verify, audit } = this.#world;
    const useSnapshot = this.#snapshot !== undefined && random.chance(0.7);
    if (!useSnapshot) {
      if (this.incarnation > 1) coverage.hit("recovered from the log");
      return booksOf(journal.read(1));
    }
    coverage.hit("recovered from a snapshot");
    const { position, chunks } = this.#snapshot!;
    const books = loadBooks(cutAnew(chunks, random.between(1, 3)));
    for (const group of journal.read(position + 1)) replay(books, group);
    if (verify && stateHash(books) !== stateHash(booksOf(journal.read(1)))) {
      audit.violation(`shard ${this.number}: the snapshot at ${position} leads to other books than the log`);
    }
    return books;
  }
}

export function booksOf(groups: Iterable<Group>): Books {
  const books = new Books();
  for (const group of groups) replay(books, group);
  return books;
}

/** The same bytes in other pieces. */
function* cutAnew(chunks: readonly Uint8Array[], way: number): Iterable<Uint8Array> {
  if (way === 1) yield Buffer.concat(chunks);
  else if (way === 2) yield* chunks;
  else
    for (const chunk of chunks)
      for (let at = 0; at < chunk.length; at += 1009) yield chunk.subarray(at, at + 1009);
}

function checksum(body: Uint8Array): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < body.length; i++) hash = Math.imul(hash ^ body[i]!, 0x01000193);
  return (hash >>> 0).toString(16);
}
