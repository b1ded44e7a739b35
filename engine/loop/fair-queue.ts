/**
 * What waits, in turns between those who asked: whoever asks for little is served soon, however much somebody else has
 * waiting. Used for commands (`mailbox`), for questions to the read side, and for frames that wait to be read.
 *
 *      newcomers   owners who had nothing waiting: served first, for one turn
 *      others      all the rest, round and round
 *
 * FAIR-QUEUE-1  Items of one owner are taken in the order in which they were put.
 * FAIR-QUEUE-2  A turn is `quantum` items, or what the owner has. After its turn an owner goes to the end of the others.
 * FAIR-QUEUE-3  An owner whose items are all taken is still one of the others until its next turn comes: nobody is new again by
 *               asking bit by bit. And after `newcomersInRow` turns of newcomers one of the others is served.
 */

import { Ring } from "./ring.js";

const newcomersInRow = 16;
const pooledMax = 64;

interface Flow<T> {
  owner: object;
  readonly items: Ring<T>;
  isNew: boolean;
}

export class FairQueue<T> {
  readonly #quantum: number;
  readonly #flows = new Map<object, Flow<T>>();
  readonly #newcomers = new Ring<Flow<T>>(16);
  readonly #others = new Ring<Flow<T>>(16);
  /** Flows without an owner, to be used again. */
  readonly #pool: Flow<T>[] = [];
  #serving: Flow<T> | undefined;
  #left = 0;
  #newInRow = 0;
  /** Whoever put last is likely to put again. */
  #last: Flow<T> | undefined;
  size = 0;

  constructor(quantum: number) {
    this.#quantum = quantum;
  }

  sizeOf(owner: object): number {
    return this.#flows.get(owner)?.items.size ?? 0;
  }

  put(owner: object, item: T): void {
    this.#flowOf(owner).items.put(item);
    this.size++;
  }

  /** Ahead of what the owner has waiting: the rest of something that was begun. */
  putBack(owner: object, item: T): void {
    this.#flowOf(owner).items.putFirst(item);
    this.size++;
  }

  take(): T | undefined {
    while (this.size > 0) {
      const flow = this.#serving ?? this.#next();
      if (this.#left > 0 && flow.items.size > 0) {
        this.#left--;
        this.size--;
        if (!flow.isNew) this.#newInRow = 0;
        return flow.items.take();
      }
      this.#endTurn(flow);
    }
    return undefined;
  }

  /** Forgets what an owner has waiting; how many items it was. */
  drop(owner: object): number {
    const flow = this.#flows.get(owner);
    if (!flow) return 0;
    const dropped = flow.items.size;
    flow.items.clear();
    this.size -= dropped;
    return dropped;
  }

  #flowOf(owner: object): Flow<T> {
    if (this.#last?.owner === owner) return this.#last;
    let flow = this.#flows.get(owner);
    if (!flow) {
      flow = this.#pool.pop() ?? { owner, items: new Ring<T>(16), isNew: true };
      flow.owner = owner;
      flow.isNew = true;
      this.#flows.set(owner, flow);
      this.#newcomers.put(flow);
    }
    this.#last = flow;
    return flow;
  }

  /** There is one: something waits. */
  #next(): Flow<T> {
    const newcomer = this.#newInRow < newcomersInRow || this.#others.size === 0;
    const flow =
      (newcomer ? this.#newcomers.take() : undefined) ?? this.#others.take() ?? this.#newcomers.take()!;
    if (flow.isNew) this.#newInRow++;
    this.#serving = flow;
    this.#left = this.#quantum;
    return flow;
  }

  #endTurn(flow: Flow<T>): void {
    this.#serving = undefined;
    if (flow.isNew || flow.items.size > 0) {
      flow.isNew = false;
      this.#others.put(flow);
      return;
    }
    this.#flows.delete(flow.owner);
    if (this.#last === flow) this.#last = undefined;
    flow.owner = this;
    if (this.#pool.length < pooledMax && flow.items.capacity <= 1024) this.#pool.push(flow);
  }
}
