/**
 * A client: asks, asks again under the same key while it hears nothing, keeps what it was told, and follows feeds from where
 * it left off.
 */

import type { Connection, Event } from "./network.js";
import type { Answer, Operation, PlacedOrder } from "./operation.js";
import type { World } from "./world.js";

/** A topic that a client follows, over as many subscriptions as it takes. */
export interface Follower {
  readonly topic: string;
  readonly shard: number;
  connection: Connection | undefined;
  sub: number;
  /** First number not seen yet; 0 until the first subscription is answered. */
  next: number;
  /** Number from which on it must have seen everything. */
  from: number;
  /** Position of the log when the newest subscription was answered. */
  logUpTo: number;
  readonly events: Event[];
  /** No longer wanted: it need not see everything. */
  ended: boolean;
  asking: Operation | undefined;
}

export class Client {
  readonly number: number;
  readonly account: string;
  /** Milliseconds by which its clock is wrong. */
  readonly skewMs: number;
  readonly operations = new Map<number, Operation>();
  /** Orders that it knows of, newest last. */
  readonly orders: PlacedOrder[] = [];
  readonly followers: Follower[] = [];
  /** Orders as they were when it last heard of them. */
  readonly seen = new Map<string, { readonly status: string; readonly version: number }>();
  /** SimulatedTransactions that it knows of, newest last. */
  readonly transactions: string[] = [];
  /** Issued, and not used by it. */
  readonly tokens: string[] = [];
  readonly #world: World;

  constructor(world: World, number: number, account: string) {
    this.#world = world;
    this.number = number;
    this.account = account;
    this.skewMs = world.random.pick([0, 0, 0, -40, 40]);
  }

  /** Sends a new operation, and sees to it that it is repeated. */
  ask(operation: Operation): void {
    this.operations.set(operation.id, operation);
    const { random } = this.#world;
    const patience = random.between(1, 5);
    this.#send(operation);
    if (!operation.once) this.#repeat(operation, patience);
  }

  /** From now on it waits for an answer, and repeats what it has asked until there is one. */
  keepAsking(operation: Operation): void {
    this.#repeat(operation, 2);
  }

  /** The world is well again: whatever is still open is asked once more. */
  askWhatIsOpen(): void {
    for (const operation of this.operations.values()) {
      if (operation.received || operation.sentAt < 0 || operation.once) continue;
      operation.gaveUp = false;
      this.#send(operation);
      this.#repeat(operation, 1);
    }
  }

  answered(operation: Operation, answer: Answer, connection: Connection): void {
    if (operation.method === "feed.subscribe") {
      this.#subscribed(operation, answer, connection);
      return;
    }
    const again = answer.code === "overloaded" || answer.code === "deadline_exceeded";
    if (operation.received || (again && !operation.once)) return;
    operation.received = answer;
    if (answer.code === "ok") this.#see(operation, answer.result as object);
    if (answer.code !== "ok" || operation.method !== "order.place" || operation.cart!.dryRun) return;
    const order = answer.result as PlacedOrder;
    this.orders.push(order);
    if (order.status === "Created") this.#world.workload.race(this, order);
  }

  #see({ method }: Operation, result: object): void {
    if (method === "token.issue") this.tokens.push((result as { token: string }).token);
    if (method === "transaction.begin")
      this.transactions.push((result as { transaction: string }).transaction);
    if (method.startsWith("transaction.")) return;
    const { order } = result as { order?: object | string };
    const {
      order: id,
      status,
      version,
    } = (typeof order === "object" && order ? order : result) as PlacedOrder;
    if (status === undefined || version === undefined) return;
    if (version >= (this.seen.get(id)?.version ?? 0)) this.seen.set(id, { status, version });
  }

  event(connection: Connection, event: Event): void {
    const follower = this.followers.find((f) => f.connection === connection && f.sub === event.sub);
    if (!follower) return;
    if (event.seq < follower.next) {
      this.#world.audit.violation(`${follower.topic}: event ${event.seq} again, next is ${follower.next}`);
    }
    if (event.type === "feed.ended") {
      this.#beginAnew(follower, event.data.completeFrom as number);
      return;
    }
    if (event.seq <= follower.logUpTo) this.#world.coverage.hit("feed read from the log");
    this.#world.coverage.hit("feed event");
    follower.events.push(event);
    follower.next = event.seq + 1;
    if (follower.topic.startsWith("shard:") && this !== this.#world.inspector) this.#world.clerk.hear(event);
  }

  disconnected(connection: Connection): void {
    for (const follower of this.followers) {
      if (follower.connection !== connection || follower.ended) continue;
      follower.connection = undefined;
      if (follower.next > 0) this.#world.coverage.hit("feed resumed after a loss");
      this.follow(follower);
    }
  }

  /** Subscribes from where it left off, until it is answered. */
  follow(follower: Follower): void {
    follower.asking = this.#world.requests.subscription(this, follower);
    this.ask(follower.asking);
  }

  #subscribed(operation: Operation, answer: Answer, connection: Connection): void {
    const follower = this.followers.find((f) => f.asking === operation);
    const tooOld = answer.code === "seq_too_old";
    if (!follower || (answer.code !== "ok" && !tooOld)) return;
    operation.received = answer;
    follower.asking = undefined;
    if (tooOld) {
      this.#beginAnew(follower, answer.details!.completeFrom as number);
      return;
    }
    const { sub, seq } = answer.result as { sub: number; seq: number };
    follower.connection = connection;
    follower.sub = sub;
    follower.logUpTo = seq;
    if (follower.next === 0) {
      follower.next = seq + 1;
      follower.from = seq + 1;
    }
  }

  /** What it missed is not told any more: it reads its orders, and follows from where the stream is whole. */
  #beginAnew(follower: Follower, from: number): void {
    this.#world.coverage.hit("feed too old");
    follower.ended = true;
    const next = this.#world.requests.follower(follower.topic, from);
    this.followers.push(next);
    this.follow(next);
  }

  #send(operation: Operation): void {
    this.#world.audit.sent(operation);
    this.#world.network.request(this, operation);
  }

  #repeat(operation: Operation, patience: number): void {
    const { schedule, random } = this.#world;
    // Whoever waits for a transaction that only a human can end asks less often.
    const pause = this.#world.healed && operation.transaction ? 10 : 1;
    schedule.after(pause * random.between(15_000, 400_000), () => {
      if (operation.received || operation.gaveUp) return;
      if (patience > 0 || this.#world.healed || operation.method === "feed.subscribe") {
        this.#send(operation);
        this.#repeat(operation, patience - 1);
      } else if (random.chance(0.5)) {
        // Much later it remembers: by then the key may be gone.
        schedule.after(random.between(1_000_000, 6_000_000), () => this.#repeat(operation, 1));
      } else {
        operation.gaveUp = true;
      }
    });
  }
}
