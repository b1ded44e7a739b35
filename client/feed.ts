/**
 * One feed, between the pushes that arrive and the loop that reads them.
 *
 * CLIENT-FEED-1  It hands out events with rising `seq`, each at most once.
 * CLIENT-FEED-2  It keeps at most `bufferMax` unread events. One more and it ends: what it kept can still be read, then comes
 *                `slow_consumer` with `details.from`, the place to resume without a gap.
 * CLIENT-FEED-3  Once ended it stays so; an error is thrown to one reader, once.
 */

import type { EventType } from "./codes.js";
import type { Push } from "./connection.js";
import { YifenError } from "./error.js";

/** Something that happened to an account, to a product's stock, or anywhere in a shard. */
export interface FeedEvent {
  /** Rising, with holes: other topics' events are numbered in the same sequence. */
  readonly seq: number;
  /** A newer engine may send others than are listed. */
  readonly type: EventType;
  /** ISO 8601; the engine's time. */
  readonly time: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** For one reader. Leaving the loop (`break`, `return`, an exception) ends the subscription. */
export interface Feed extends AsyncIterableIterator<FeedEvent, undefined> {
  /**
   * Resolves when the subscription first stands, with the `seq` after which its events begin.
   * Rejects with `YifenError` when it was refused.
   */
  opened(): Promise<number>;
  return(): Promise<IteratorResult<FeedEvent, undefined>>;
}

interface Promised<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: YifenError) => void;
}

type Result = IteratorResult<FeedEvent, undefined>;

const done: Result = { done: true, value: undefined };

export class LiveFeed implements Feed {
  /** `none`: to be asked for on the next connection. A number: the subscription on this one. */
  subscription: "none" | "asked" | number = "none";
  /** The `seq` after which its events begin; undefined while it was never subscribed. */
  startedAt: number | undefined;
  readonly #unread: FeedEvent[] = [];
  readonly #readers: Promised<Result>[] = [];
  readonly #openers: Promised<number>[] = [];
  #ended = false;
  #error: YifenError | undefined;

  constructor(
    readonly topic: string,
    /** The lowest `seq` that is wanted next; undefined = whatever comes first. */
    public nextSeq: number | undefined,
    private readonly bufferMax: number,
    private readonly leave: (feed: LiveFeed) => void,
  ) {}

  subscribed(sub: number, seq: number): void {
    this.subscription = sub;
    this.nextSeq ??= seq + 1;
    this.startedAt ??= this.nextSeq - 1;
    for (const opener of this.#openers.splice(0)) opener.resolve(this.startedAt);
  }

  pushed(push: Push): void {
    if (this.#ended || (this.nextSeq !== undefined && push.seq < this.nextSeq)) return;
    if (this.#unread.length >= this.bufferMax) {
      this.overrun();
      return;
    }
    this.nextSeq = push.seq + 1;
    const event: FeedEvent = {
      seq: push.seq,
      type: push.type as EventType,
      time: push.time,
      data: push.data,
    };
    const reader = this.#readers.shift();
    if (reader) reader.resolve({ done: false, value: event });
    else this.#unread.push(event);
  }

  overrun(): void {
    this.end(
      new YifenError({
        code: "slow_consumer",
        message: `${this.bufferMax} events of ${this.topic} were not read; resume from details.from`,
        executed: false,
        retryable: true,
        details: { topic: this.topic, from: this.nextSeq },
      }),
    );
  }

  /** Without an error: the loop that reads it simply ends. */
  end(error: YifenError | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.leave(this);
    const reader = this.#readers.shift();
    if (reader && error) reader.reject(error);
    else reader?.resolve(done);
    if (!reader) this.#error = error;
    for (const other of this.#readers.splice(0)) other.resolve(done);
    for (const opener of this.#openers.splice(0)) opener.reject(error ?? this.#neverOpened());
  }

  next(): Promise<Result> {
    const event = this.#unread.shift();
    if (event) return Promise.resolve({ done: false, value: event });
    if (this.#error) {
      const error = this.#error;
      this.#error = undefined;
      return Promise.reject(error);
    }
    if (this.#ended) return Promise.resolve(done);
    return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }));
  }

  return(): Promise<Result> {
    this.end(undefined);
    this.#unread.length = 0;
    this.#error = undefined;
    return Promise.resolve(done);
  }

  opened(): Promise<number> {
    if (this.startedAt !== undefined) return Promise.resolve(this.startedAt);
    if (this.#ended) return Promise.reject(this.#error ?? this.#neverOpened());
    return new Promise((resolve, reject) => this.#openers.push({ resolve, reject }));
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #neverOpened(): YifenError {
    const message = `the feed of ${this.topic} ended before it was subscribed`;
    return new YifenError({ code: "closed", message, executed: false, retryable: false });
  }
}
