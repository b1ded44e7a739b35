/** An outlet: somewhere outside that events are delivered to, after they are durable, at least once. */

import { type EventType, eventTypes } from "../../actors/events.js";

/** An event as it leaves. */
export interface OutletEvent {
  /** `<shard>:<seq>`, unique for ever: whoever has seen it drops it. */
  readonly id: string;
  readonly shard: number;
  readonly seq: number;
  /** Such as `order.paid`. */
  readonly type: string;
  /** ISO 8601; the engine's time. */
  readonly time: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface Outlet {
  readonly name: string;
  /** Events handed over at once, at most. */
  readonly batchMax: number;
  /** After so many failed attempts an event is put aside; Infinity = never. */
  readonly attemptsMax: number;
  /** An attempt that takes longer has failed. */
  readonly timeoutMs: number;
  wants(type: EventType): boolean;
  /** Resolves when all of them were delivered. Gives up, at the latest, soon after `signal` is aborted. */
  deliver(events: readonly OutletEvent[], signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** Delivers one event; what it throws or rejects with is the reason of a failed attempt. */
export type OutletFunction = (event: OutletEvent, signal: AbortSignal) => Promise<void> | void;

interface Wanted {
  /** Its cursor and its dead letters are kept under it. */
  readonly name: string;
  /** Types or beginnings of types (`order.`); undefined = all. */
  readonly events?: readonly string[] | undefined;
  /** Where it begins when it is new: behind what there is (default), or with the first event of the log. */
  readonly from?: "end" | "start" | undefined;
}

export interface WebhookSetup extends Wanted {
  readonly kind: "webhook";
  readonly url: string;
  /** Undefined: requests are not signed. */
  readonly secret: string | undefined;
  readonly attemptsMax: number;
  /** 1: a request holds one event; more: an array of at most so many. */
  readonly batchMax: number;
}

export interface EventFileSetup extends Wanted {
  readonly kind: "file";
  readonly file: string;
  /** A file that has grown so large gets a number, and a new one begins. */
  readonly bytesMax: number;
}

export interface FunctionSetup extends Wanted {
  readonly kind: "function";
  readonly deliver: OutletFunction;
  readonly attemptsMax?: number | undefined;
  readonly timeoutMs?: number | undefined;
}

export type OutletSetup = WebhookSetup | EventFileSetup | FunctionSetup;

/** Whether an event of that type goes to an outlet that asked for these. */
export function wantsType(events: readonly string[] | undefined): (type: EventType) => boolean {
  if (events === undefined) return () => true;
  const wanted = new Set(eventTypes.filter((type) => events.some((start) => type.startsWith(start))));
  return (type) => wanted.has(type);
}
