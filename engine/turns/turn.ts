/**
 * A turn, as the code that runs in it sees it: one command and everything that it causes on this shard.
 *
 * TURN-1  A turn decides everything first and records afterwards, so a refusal leaves no trace but its key.
 * TURN-2  All facts of a turn are in one group: they become durable together or not at all.
 * TURN-3  Inside a turn there is no await, no clock and no randomness: `nowMs` is the turn's time, and the only one.
 */

import type { Fact } from "../../actors/facts.js";
import type { Refusal } from "../../actors/results.js";
import type { PlanSpec } from "../../actors/transactions/plan.js";
import type { CallDispatcher } from "../links/call-dispatcher.js";
import type { Feed } from "../links/feed.js";
import type { Command } from "../seams/commands.js";
import type { Requester } from "../seams/requester.js";
import type { Settings } from "../seams/settings.js";
import type { Books } from "../tables/books.js";
import type { Unopened } from "./unopened.js";

export interface Turn {
  readonly books: Books;
  readonly settings: Settings;
  readonly feed: Feed;
  /** Time of this turn, ms. */
  readonly nowMs: number;
  /** The same, in microseconds: no two turns of a shard have the same. */
  readonly nowMicros: number;
  /** The same in ms, without what the clock has skipped: what was kept for so long was kept while the engine could be asked. */
  readonly runningMs: number;
  /** What a wall clock shows, ms: later than no caller's that is right. For what is compared with a caller's `at`. */
  readonly wallMs: number;
  /** This shard's number, and how many there are. */
  readonly shard: number;
  readonly shards: number;
  /** Why nothing new may come of this turn's command: it runs only because something stands under its key. */
  readonly refusesNew: Refusal | undefined;
  /** Accounts of this shard that are named and not open. */
  readonly unopened: Unopened;
  /** Writes a fact into the group and applies it. */
  record(fact: Fact): void;
  /** Says that the requester was given something that must leave when this group is durable. */
  touch(requester: Requester): void;
  /** Hands a question to the read side or the auditor. Its answer comes in a later step. */
  askDeferred(command: Command, done: (result: object | Refusal) => void): void;
  /** Those who asked for an order that is still being placed across shards. */
  readonly waiters: Map<number, Command[]>;
  /** Those who asked under a ref whose result another shard will tell. */
  readonly refWaiters: Map<string, Command[]>;
  /** Calls to functions outside the engine that are out or may go. */
  readonly dispatcher: CallDispatcher;
  /** Those who asked for a transaction that has not ended. */
  readonly transactionWaiters: Map<number, Command[]>;
  /** The parts of a transaction of that name, or why there are none; undefined = none is defined here. */
  plan(name: string, input: unknown, account: string): PlanSpec | Refusal | undefined;
  /** Something keeps failing and somebody should look. */
  alert(text: string): void;
}
