/**
 * The feeds of one connection after another: who is subscribed to what, and where each resumes.
 *
 * FEEDS-1  After a lost connection every live feed is subscribed again, from the last `seq` it received plus one: no gap,
 *          and what comes twice is dropped by the feed.
 * FEEDS-2  A feed that was subscribed once is given up only for a refusal that time cannot mend.
 * FEEDS-3  Pushes that overtake the answer which names their subscription are kept until it comes, at most `bufferMax`.
 * FEEDS-4  Pushes of a subscription that nobody wants (its answer came too late) are answered with one `feed.unsubscribe`.
 */

import type { Calls } from "./calls.js";
import type { Answer, Push } from "./connection.js";
import { YifenError } from "./error.js";
import { type Feed, LiveFeed } from "./feed.js";

const resumePauseMs = 500;

export class Feeds {
  readonly #live = new Set<LiveFeed>();
  readonly #bySub = new Map<number, LiveFeed>();
  readonly #unwanted = new Set<number>();
  #early: Push[] = [];
  #asking = 0;
  #open = false;
  #over: YifenError | undefined;

  constructor(
    private readonly calls: Calls,
    private readonly bufferMax: number,
  ) {}

  /** Subscribes at once: what is called after it is seen by it. */
  open(topic: string, from: number | undefined): Feed {
    const feed = new LiveFeed(topic, from, this.bufferMax, (ended) => this.#leave(ended));
    if (this.#over) {
      feed.end(this.#over);
    } else {
      this.#live.add(feed);
      this.#subscribe(feed);
    }
    return feed;
  }

  opened(): void {
    this.#open = true;
    for (const feed of this.#live) this.#resume(feed);
  }

  lost(): void {
    this.#open = false;
    this.#bySub.clear();
    this.#unwanted.clear();
    this.#early = [];
    // One that is still asked for was not sent yet, and goes out on the next connection as it is.
    for (const feed of this.#live) if (feed.subscription !== "asked") feed.subscription = "none";
  }

  pushed(push: Push): void {
    const feed = this.#bySub.get(push.sub);
    if (feed && push.type === "feed.ended") this.#ended(feed, push);
    else if (feed) feed.pushed(push);
    else if (this.#asking > 0) this.#keepEarly(push);
    else this.#unsubscribe(push.sub);
  }

  end(error: YifenError): void {
    this.#over = error;
    for (const feed of [...this.#live]) feed.end(error.code === "closed" ? undefined : error);
  }

  #resume(feed: LiveFeed): void {
    if (this.#open && feed.subscription === "none" && this.#live.has(feed)) this.#subscribe(feed);
  }

  #subscribe(feed: LiveFeed): void {
    feed.subscription = "asked";
    this.#asking++;
    const { topic, nextSeq } = feed;
    const params = nextSeq === undefined ? { topic } : { topic, from: nextSeq };
    // Not repeated by `Calls`: where it resumes is decided anew on each connection.
    this.calls.begin({ method: "feed.subscribe", params, repeatable: false }, (outcome) => {
      this.#asking--;
      if (outcome instanceof YifenError) this.#notSubscribed(feed, outcome);
      else this.#subscribed(feed, outcome);
      if (this.#asking === 0) this.#early = [];
    });
  }

  #subscribed(feed: LiveFeed, answer: Answer): void {
    const { sub, seq } = answer.result as { sub: number; seq: number };
    if (!this.#live.has(feed)) {
      this.#unsubscribe(sub);
      return;
    }
    this.#unwanted.delete(sub);
    this.#bySub.set(sub, feed);
    feed.subscribed(sub, seq);
    const early = this.#early;
    this.#early = early.filter((push) => push.sub !== sub);
    for (const push of early) if (push.sub === sub) this.pushed(push);
  }

  #notSubscribed(feed: LiveFeed, error: YifenError): void {
    feed.subscription = "none";
    if (error.code === "connection_lost") return;
    const mayPass = error.retryable || error.code === "timeout";
    if (mayPass && feed.startedAt !== undefined) setTimeout(() => this.#resume(feed), resumePauseMs);
    else feed.end(error);
  }

  /** The engine has ended it: what it asked for is not complete any more. */
  #ended(feed: LiveFeed, { sub, data }: Push): void {
    this.#bySub.delete(sub);
    feed.subscription = "none";
    feed.end(
      new YifenError({
        code: "seq_too_old",
        message: `events of ${feed.topic} are not complete any more from where it stood; they are from details.completeFrom on`,
        executed: false,
        retryable: false,
        details: data,
      }),
    );
  }

  #keepEarly(push: Push): void {
    if (this.#early.length < this.bufferMax) {
      this.#early.push(push);
      return;
    }
    for (const feed of [...this.#live]) if (feed.subscription === "asked") feed.overrun();
  }

  #leave(feed: LiveFeed): void {
    this.#live.delete(feed);
    if (typeof feed.subscription !== "number") return;
    this.#bySub.delete(feed.subscription);
    this.#unsubscribe(feed.subscription);
  }

  #unsubscribe(sub: number): void {
    if (!this.#open || this.#over || this.#unwanted.has(sub)) return;
    this.#unwanted.add(sub);
    // Whatever the answer: if pushes still come, it is asked again.
    this.calls.begin({ method: "feed.unsubscribe", params: { sub }, repeatable: false }, () => {
      this.#unwanted.delete(sub);
    });
  }
}
