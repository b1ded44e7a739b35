/**
 * The way between clients and shards. A request may be lost, late or doubled; an answer lost or late; a connection may be
 * cut, and is when its shard dies. Events and the answers that begin a subscription keep their order while the connection
 * lives, as they do on a socket.
 */

import type { Refusal } from "../../actors/results.js";
import type { Command } from "../../engine/seams/commands.js";
import type { OrderView, Requester, RequestId } from "../../engine/seams/requester.js";
import type { Client } from "./client.js";
import type { Host } from "./host.js";
import type { Answer, Operation } from "./operation.js";
import type { World } from "./world.js";

export interface Event {
  readonly sub: number;
  readonly seq: number;
  readonly type: string;
  readonly time: number;
  readonly data: Readonly<Record<string, unknown>>;
}

type Given = { readonly at: number; readonly clock: number } & (
  | { readonly id: number; readonly answer: Answer }
  | { readonly event: Event }
);

/** One client's socket to one life of one shard. Keeps what it is given until it is flushed. */
export class Connection implements Requester {
  open = true;
  /** Requests that have come through it and have no answer yet: how many, by operation. */
  readonly unanswered = new Map<number, number>();
  readonly client: Client;
  readonly host: Host;
  readonly incarnation: number;
  /** When the last thing that keeps its order arrives. */
  #lastArrival = 0;
  #given: Given[] = [];
  readonly #world: World;

  constructor(world: World, client: Client, host: Host) {
    this.#world = world;
    this.client = client;
    this.host = host;
    this.incarnation = host.incarnation;
  }

  order(id: RequestId, view: OrderView, replayed: boolean): void {
    const lines = view.lines.map((line) => ({ ...line }));
    this.#hold({ id: id as number, answer: { code: "ok", result: { ...view, lines }, replayed } });
  }

  result(id: RequestId, result: object, replayed: boolean): void {
    this.#hold({ id: id as number, answer: { code: "ok", result: { ...result }, replayed } });
  }

  refused(id: RequestId, refusal: Refusal, replayed: boolean): void {
    const { code, details } = refusal;
    this.#hold({ id: id as number, answer: { code, details, replayed } });
  }

  push(sub: number, seq: number, type: string, time: number, data: object): void {
    this.#hold({ event: { sub, seq, type, time, data: { ...data } } });
  }

  flush(): void {
    const { host, client } = this;
    const { audit, trace, schedule } = this.#world;
    if (host.incarnation !== this.incarnation || !host.shard) throw new Error("a dead process answers");
    // A socket that is gone takes what it is given with it.
    for (const given of this.open ? this.#given : []) {
      if (given.at > host.durable) {
        const what = "answer" in given ? `answer to ${given.id}` : `event ${given.event.seq}`;
        audit.violation(`shard ${host.number}: the ${what} left at ${given.at}, durable is ${host.durable}`);
      }
      if ("answer" in given) {
        this.count(given.id, -1);
        const operation = client.operations.get(given.id)!;
        const { code, replayed } = given.answer;
        trace.note(schedule.now, `left ${host.number} ${given.id} ${code}${replayed ? " replayed" : ""}`);
        audit.left(operation, given.answer, host, given.clock);
        this.#deliver(operation, given.answer);
      } else {
        this.#inOrder(() => client.event(this, given.event));
      }
    }
    this.#given = [];
  }

  close(): void {
    this.open = false;
  }

  count(id: number, more: 1 | -1): void {
    const count = (this.unanswered.get(id) ?? 0) + more;
    if (count === 0) this.unanswered.delete(id);
    else this.unanswered.set(id, count);
  }

  #hold(what: { id: number; answer: Answer } | { event: Event }): void {
    this.#given.push({ ...what, at: this.host.shard!.books.position, clock: this.host.nowMicros() });
  }

  #deliver(operation: Operation, answer: Answer): void {
    const { healed, plan, random, schedule, coverage } = this.#world;
    if (operation.method === "feed.subscribe") {
      this.#inOrder(() => this.client.answered(operation, answer, this));
      return;
    }
    if (!healed && random.chance(plan.network.lose)) {
      coverage.hit("answer lost");
      return;
    }
    let delay = random.between(50, 1500);
    if (!healed && random.chance(plan.network.late)) {
      delay += random.between(50_000, 1_500_000);
      coverage.hit("answer late");
    }
    schedule.after(delay, () => {
      if (this.open) this.client.answered(operation, answer, this);
      else coverage.hit("answer lost with its connection");
    });
  }

  #inOrder(arrive: () => void): void {
    const { schedule, random } = this.#world;
    this.#lastArrival = Math.max(this.#lastArrival, schedule.now + random.between(50, 1500));
    schedule.at(this.#lastArrival, () => {
      if (this.open) arrive();
    });
  }
}

export class Network {
  readonly #world: World;
  #connections = new Map<string, Connection>();

  constructor(world: World) {
    this.#world = world;
  }

  /** Sends a request once more. `directly` without any fault or delay. */
  request(client: Client, operation: Operation, directly = false): void {
    const { plan, random, schedule, coverage, healed } = this.#world;
    if (directly) {
      this.#arrive(client, operation);
      return;
    }
    const { lose, double, late } = healed ? calm : plan.network;
    if (random.chance(lose)) {
      coverage.hit("request lost");
      return;
    }
    let delay = random.between(50, 1500);
    if (random.chance(late)) {
      delay += random.between(50_000, 2_000_000);
      coverage.hit("request late");
    }
    schedule.after(delay, () => this.#arrive(client, operation));
    if (operation.once || !random.chance(double)) return;
    coverage.hit("request doubled");
    schedule.after(delay + random.between(0, 800_000), () => this.#arrive(client, operation));
  }

  /** The shard's process died: its sockets are gone, and the clients notice. */
  hostDied(host: Host): void {
    for (const connection of [...this.#connections.values()])
      if (connection.host === host) this.#close(connection);
  }

  /** Every request that reached a shard which is still alive has its answer, each once, but for those that `wait` yet. */
  expectAnswers(wait: (operation: Operation) => boolean): void {
    for (const { client, host, unanswered } of this.#connections.values()) {
      for (const [id, count] of unanswered) {
        const operation = client.operations.get(id)!;
        if (count > 0 && operation.params.wait === true && wait(operation)) continue;
        const between = `client ${client.number} and shard ${host.number}`;
        this.#world.audit.expect(
          false,
          operation,
          operation.left,
          `${count} answers missing between ${between}`,
        );
      }
    }
  }

  cutOne(): void {
    const { random, coverage, trace, schedule } = this.#world;
    const all = [...this.#connections.values()];
    if (all.length === 0) return;
    const connection = random.pick(all);
    coverage.hit("connection cut");
    trace.note(schedule.now, `cut ${connection.client.number}-${connection.host.number}`);
    connection.host.shard?.forget(connection);
    this.#close(connection);
  }

  #close(connection: Connection): void {
    connection.close();
    this.#connections.delete(`${connection.client.number}-${connection.host.number}`);
    const { schedule, random } = this.#world;
    schedule.after(random.between(100, 20_000), () => connection.client.disconnected(connection));
  }

  #arrive(client: Client, operation: Operation): void {
    const { hosts, coverage, audit, trace, schedule } = this.#world;
    const host = hosts[operation.shard]!;
    if (!host.shard) {
      coverage.hit("request to a shard that is down");
      return;
    }
    trace.note(schedule.now, `asks ${host.number} ${operation.id} ${operation.method}`);
    audit.arrived(operation, host);
    // A deadline is of one sending, not of the request.
    const refuseAfter = operation.sends === 1 ? operation.params.refuseAfter : 0;
    const requester = this.#connection(client, host);
    requester.count(operation.id, 1);
    const command = { ...operation.params, refuseAfter, requester, id: operation.id };
    host.submit(command as unknown as Command);
  }

  #connection(client: Client, host: Host): Connection {
    const name = `${client.number}-${host.number}`;
    let connection = this.#connections.get(name);
    if (!connection) {
      connection = new Connection(this.#world, client, host);
      this.#connections.set(name, connection);
    }
    return connection;
  }
}

const calm = { lose: 0, double: 0, late: 0 };
