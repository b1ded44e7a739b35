/**
 * What the actors of a shard remember of their parts in transactions.
 *
 * FENCE-TABLE-1  A fence is kept while its branch holds something or may have to be undone, and at least `fenceKeepMs` after it ended.
 * FENCE-TABLE-2  At most `fencesMax` are kept: with as many, a new try is refused before it has a fence.
 * FENCE-TABLE-3  A branch that is tried has a timer: long after its deadline it asks its owner. It never ends by itself.
 */

import { type FactOf, Facts, type Mode, modes } from "../../actors/facts.js";
import {
  type FenceState,
  fenceStates,
  isEnded,
  type Participant,
  participants,
} from "../../actors/transactions/fence.js";
import { Timers } from "./timers.js";

export interface Fence {
  /** Of this shard, from 1: names the fence in the timers. */
  readonly number: number;
  readonly transaction: number;
  readonly branch: number;
  readonly mode: Mode;
  readonly what: Participant;
  /** Handle of the product, or of the wallet's account. */
  readonly subject: number;
  /** Handle of the account that takes. */
  readonly account: number;
  /** Units, or minor units. */
  readonly amount: number;
  /** A number of `moneyBuckets`: where money that is taken goes. */
  readonly to: number;
  /** ms; of the transaction. */
  readonly deadline: number;
  /** A number of `results`, and its details as JSON, when it was refused. */
  readonly code: number;
  readonly text: string;
  state: FenceState;
  /** ms; of its last move, without the jumps of the clock (`Turn.runningMs`). */
  movedAt: number;
}

/** How long after the deadline a tried branch asks, and how often then. */
export const fenceAskMs = 600_000;

const stateNames = Object.keys(fenceStates) as FenceState[];
const modeNames = new Map<number, Mode>(
  Object.entries(modes).map(([name, number]) => [number, name as Mode]),
);
const participantNames = new Map<number, Participant>(
  Object.entries(participants).map(([name, number]) => [number, name as Participant]),
);

export class FenceTable {
  readonly timers = new Timers();
  readonly #byName = new Map<string, Fence>();
  readonly #byNumber = new Map<number, Fence>();
  /** Ended ones by number, first ended first. */
  readonly #ended = new Map<number, Fence>();
  nextNumber = 1;

  get size(): number {
    return this.#byName.size;
  }

  /** Branches that hold something. */
  get open(): number {
    return this.size - this.#ended.size;
  }

  find(transaction: number, branch: number): Fence | undefined {
    return this.#byName.get(`${transaction}:${branch}`);
  }

  ofNumber(number: number): Fence | undefined {
    return this.#byNumber.get(number);
  }

  /** How many of the oldest ended ones ended at or before `ms`, at most `max`. */
  endedBefore(ms: number, max: number): number {
    let count = 0;
    for (const { movedAt } of this.#ended.values()) {
      if (movedAt > ms || count === max) break;
      count++;
    }
    return count;
  }

  /** Applies a fact. Throws when the log contradicts itself. */
  evolve(fact: FactOf<"fenceSet"> | FactOf<"fenceMoved"> | FactOf<"fencesDropped">, runningMs: number): void {
    if (fact.type === Facts.fenceSet) this.#set(fact, runningMs);
    else if (fact.type === Facts.fencesDropped) this.#drop(fact.count);
    else this.#moved(fact, runningMs);
  }

  /** A fence of a snapshot, or a new one. */
  add(fence: Fence): void {
    this.#byName.set(`${fence.transaction}:${fence.branch}`, fence);
    this.#byNumber.set(fence.number, fence);
    if (isEnded(fence.state)) this.#ended.set(fence.number, fence);
    else if (fence.state === "tried") this.timers.add(fence.deadline + fenceAskMs, fence.number);
  }

  /** What a snapshot needs, in the order in which it must be added again. */
  *fences(): Iterable<Fence> {
    yield* this.#ended.values();
    for (const fence of this.#byNumber.values()) if (!isEnded(fence.state)) yield fence;
  }

  #set({ type: _, ...set }: FactOf<"fenceSet">, runningMs: number): void {
    if (this.find(set.transaction, set.branch))
      throw new Error(`transaction ${set.transaction}: branch ${set.branch} is fenced twice`);
    this.add({
      ...set,
      number: this.nextNumber++,
      mode: modeNames.get(set.mode)!,
      what: participantNames.get(set.what)!,
      state: stateNames[set.state]!,
      movedAt: runningMs,
    });
  }

  #moved({ transaction, branch, state }: FactOf<"fenceMoved">, runningMs: number): void {
    const fence = this.find(transaction, branch);
    if (!fence) throw new Error(`transaction ${transaction}: branch ${branch} moves and has no fence`);
    fence.state = stateNames[state]!;
    fence.movedAt = runningMs;
    // To the end of the queue: it is kept from its last move on.
    this.#ended.delete(fence.number);
    this.#ended.set(fence.number, fence);
  }

  #drop(count: number): void {
    let left = count;
    for (const [number, fence] of this.#ended) {
      if (left-- === 0) return;
      this.#ended.delete(number);
      this.#byNumber.delete(number);
      this.#byName.delete(`${fence.transaction}:${fence.branch}`);
    }
  }
}
