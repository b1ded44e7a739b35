/**
 * One outlet and one shard: reads the durable groups of the shard, tells their events, delivers them in order, moves the cursor.
 * Besides, a delivery's outlet makes the attempts at dead letters that somebody asks for.
 *
 * DELIVERY-1  Events of a shard are delivered in their order: the next one is tried when the one before was delivered or put aside.
 * DELIVERY-2  The cursor moves after the delivery (`outlet-store` OUTLET-STORE-1). A crash in between delivers again.
 * DELIVERY-3  Nothing that goes wrong here ends anything but the attempt: the log stays, and what is not delivered is tried again.
 * DELIVERY-4  When it is told to stop, the delivery that has begun is finished within `stopWithinMs` or given up; none begins.
 */

import { eventOf, isPublic } from "../../actors/events.js";
import { readFacts } from "../../actors/fact-codec.js";
import { backOffMs } from "../../actors/transactions/retry.js";
import type { NamedGroup } from "../../persistence/outlets/outlet-names.js";
import type { OutletStore } from "../../persistence/outlets/outlet-store.js";
import { isoTime } from "../codecs/iso-time.js";
import type { Outlet, OutletEvent } from "./outlet.js";

/** Where the groups of a shard come from: a `LogReader`, or a journal of this process. */
export interface OutletSource {
  readonly shard: number;
  /** The durable groups that end after `position`, in order; none when there are no more. */
  readAfter(position: number, maxBytes: number): readonly NamedGroup[];
  close(): void;
}

/** Plain counters of one outlet. */
export interface OutletCounters {
  /** Events delivered, dead letters that were delivered after all included. */
  delivered: number;
  /** Attempts that failed. */
  failed: number;
  /** Letters that lie there. */
  dead: number;
  /** By shard: how far it has come. */
  readonly positions: Float64Array;
}

export interface DeliveryParts {
  readonly outlet: Outlet;
  readonly store: OutletStore;
  readonly counters: OutletCounters;
  /** Bytes of the log read at a time: what the thread does without a pause. */
  readonly readBytes: number;
  /** Aborted when nothing may begin any more. */
  readonly stopping: AbortSignal;
  /** Aborted when what has begun is given up. */
  readonly stopped: AbortSignal;
  /** A line for the operator. */
  readonly say: (line: string) => void;
}

/** How often a delivery that has caught up looks again. */
const pollMs = 25;

/** Others need the processor too: a delivery rests as long as it worked without waiting for anybody, and this long at least. */
const restMsMin = 1;

const lettersPollMs = 500;

/** Delivers until it is told to stop. Never rejects. */
export async function runDelivery(parts: DeliveryParts, source: OutletSource): Promise<void> {
  const { outlet, store, stopping, say } = parts;
  const { shard } = source;
  let failures = 0;
  let said = "";
  while (!stopping.aborted) {
    try {
      const cursor = store.cursor(outlet.name, shard);
      parts.counters.positions[shard] = cursor;
      const restMs = await runSlice(parts, source, cursor);
      failures = 0;
      await pause(restMs, stopping);
    } catch (error) {
      const message = `outlet ${outlet.name}, shard ${shard}: ${messageOf(error)}`;
      if (message !== said) say(message);
      said = message;
      await pause(backOffMs(++failures, Math.random()), stopping);
    }
  }
}

/** Reads and delivers a piece of the log behind the cursor; how long to rest then. */
async function runSlice(parts: DeliveryParts, source: OutletSource, cursor: number): Promise<number> {
  const { outlet, store, counters, readBytes, stopping } = parts;
  const { shard } = source;
  const began = performance.now();
  const groups = source.readAfter(Math.min(cursor, store.names.namedTo(shard)), readBytes);
  if (groups.length === 0) return pollMs;
  store.names.take(shard, groups);
  const { last } = groups.at(-1)!;
  const events = last > cursor ? eventsOf(parts, shard, groups, cursor) : [];
  const restMs = Math.max(restMsMin, performance.now() - began);
  for (let at = 0; at < events.length && !stopping.aborted; at += outlet.batchMax) {
    await deliver(parts, events.slice(at, at + outlet.batchMax));
  }
  // Behind the last event there is nothing left that this outlet wants.
  if (last > cursor && !stopping.aborted) {
    store.moved(outlet.name, shard, last);
    counters.positions[shard] = last;
  }
  return restMs;
}

function eventsOf(
  { outlet, store }: DeliveryParts,
  shard: number,
  groups: readonly NamedGroup[],
  after: number,
): OutletEvent[] {
  const names = store.names.of(shard);
  const events: OutletEvent[] = [];
  for (const { body, first } of groups) {
    readFacts(body, first, (fact, time, seq) => {
      if (seq <= after || !isPublic(fact)) return;
      const event = eventOf(fact, names);
      if (!event || !outlet.wants(event.type)) return;
      const { type, data } = event;
      const at = isoTime(Math.floor(time / 1000));
      events.push({ id: `${shard}:${seq}`, shard, seq, type, time: at, data: data as OutletEvent["data"] });
    });
  }
  return events;
}

/** All at once if that works; if not, each is its own affair, so that one bad event does not take others with it. */
async function deliver(parts: DeliveryParts, events: readonly OutletEvent[]): Promise<void> {
  if (events.length > 1 && (await attempt(parts, events)) === undefined) {
    delivered(parts, events);
    return;
  }
  for (const event of events) {
    if (parts.stopping.aborted) return;
    await deliverOne(parts, event);
  }
}

async function deliverOne(parts: DeliveryParts, event: OutletEvent): Promise<void> {
  const { outlet, store, counters, stopping, say } = parts;
  const { id, shard, seq, type } = event;
  for (let failures = 1; ; failures++) {
    const error = await attempt(parts, [event]);
    if (error === undefined) {
      delivered(parts, [event]);
      return;
    }
    // What was given up because we stop is not the receiver's failure.
    if (stopping.aborted) return;
    if (failures >= outlet.attemptsMax) {
      const letter = { outlet: outlet.name, shard, seq, type, event: JSON.stringify(event) };
      store.bury({ ...letter, attempts: failures, error }, Date.now());
      counters.dead++;
      counters.positions[shard] = seq;
      say(`outlet ${outlet.name}: event ${id} (${type}) was put aside after ${failures} attempts: ${error}`);
      return;
    }
    await pause(backOffMs(failures, Math.random()), stopping);
    if (stopping.aborted) return;
  }
}

function delivered({ outlet, store, counters }: DeliveryParts, events: readonly OutletEvent[]): void {
  const { shard, seq } = events.at(-1)!;
  counters.delivered += events.length;
  store.moved(outlet.name, shard, seq);
  counters.positions[shard] = seq;
}

/** Undefined when it was delivered, else why not. */
async function attempt(parts: DeliveryParts, events: readonly OutletEvent[]): Promise<string | undefined> {
  const { outlet, counters, stopped } = parts;
  const given = new AbortController();
  const giveUp = () => given.abort(new Error("the engine stops"));
  const late = () => given.abort(new Error(`no answer within ${outlet.timeoutMs} ms`));
  const timer = setTimeout(late, outlet.timeoutMs);
  stopped.addEventListener("abort", giveUp, { once: true });
  try {
    if (stopped.aborted) giveUp();
    await Promise.race([outlet.deliver(events, given.signal), aborted(given.signal)]);
    return undefined;
  } catch (error) {
    counters.failed++;
    return messageOf(given.signal.aborted ? given.signal.reason : error);
  } finally {
    clearTimeout(timer);
    stopped.removeEventListener("abort", giveUp);
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const abort = () => reject(signal.reason as Error);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  });
}

/** Makes the attempts at dead letters that somebody asks for, one after the other, until it is told to stop. Never rejects. */
export async function runLetters(parts: DeliveryParts): Promise<void> {
  const { outlet, store, counters, stopping, say } = parts;
  while (!stopping.aborted) {
    try {
      counters.dead = store.dead(outlet.name);
      for (;;) {
        const letter = store.wanted(outlet.name);
        if (!letter || stopping.aborted) break;
        const error = await attempt(parts, [JSON.parse(letter.event) as OutletEvent]);
        if (error === undefined) {
          store.delivered(letter.id);
          counters.delivered++;
        } else if (stopping.aborted) {
          return;
        } else {
          store.failedAgain(letter.id, error, Date.now());
          say(`outlet ${outlet.name}: dead letter ${letter.id} failed again: ${error}`);
        }
        counters.dead = store.dead(outlet.name);
      }
    } catch (error) {
      say(`outlet ${outlet.name}, dead letters: ${messageOf(error)}`);
    }
    await pause(lettersPollMs, stopping);
  }
}

/** Ends early when it is told to stop. It does not keep the process alive. */
function pause(ms: number, stopping: AbortSignal): Promise<void> {
  if (stopping.aborted) return Promise.resolve();
  return new Promise((done) => {
    const end = () => {
      clearTimeout(timer);
      stopping.removeEventListener("abort", end);
      done();
    };
    const timer = setTimeout(end, ms).unref();
    stopping.addEventListener("abort", end, { once: true });
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}
