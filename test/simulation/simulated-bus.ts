/** The bus between shards: every frame may be lost, doubled, late or overtaken, and pairs of shards may lose each other. */

import { decodeFrame } from "../../engine/links/channel.js";
import type { Bus } from "../../engine/seams/bus.js";
import type { World } from "./world.js";

export class SimulatedBus {
  readonly #world: World;
  /** Pairs that cannot hear each other, as "low-high". */
  readonly #cut = new Set<string>();
  /** Per direction: number of the last frame sent and of the last one that arrived. */
  readonly #sent = new Map<string, number>();
  readonly #arrived = new Map<string, number>();

  /** When pairs could hear each other again. */
  readonly #mendedAt = new Map<string, number>();

  constructor(world: World) {
    this.#world = world;
  }

  /** World time from which on the pair could hear each other; Infinity while it cannot. */
  wholeSince(a: number, b: number): number {
    const pair = pairOf(a, b);
    return this.#cut.has(pair) ? Number.POSITIVE_INFINITY : (this.#mendedAt.get(pair) ?? 0);
  }

  /** The bus as one shard sees it; `receive` is asked for anew at every arrival, because shards come and go. */
  ofShard(shard: number): Bus {
    return { send: (to, frame) => this.#send(shard, to, frame), listen: () => {} };
  }

  partition(): void {
    const { plan, random, schedule, coverage, trace } = this.#world;
    if (plan.shards === 1) return;
    const a = random.below(plan.shards);
    const b = (a + random.between(1, plan.shards - 1)) % plan.shards;
    const pair = pairOf(a, b);
    if (this.#cut.has(pair)) return;
    this.#cut.add(pair);
    coverage.hit("partition");
    trace.note(schedule.now, `partition ${pair}`);
    schedule.after(random.between(50_000, 2_500_000), () => this.#mend(pair));
  }

  healAll(): void {
    for (const pair of [...this.#cut]) this.#mend(pair);
  }

  #mend(pair: string): void {
    if (!this.#cut.delete(pair)) return;
    const { schedule, trace, hosts, coverage } = this.#world;
    this.#mendedAt.set(pair, schedule.now);
    trace.note(schedule.now, `partition ${pair} healed`);
    if (hosts.some(({ shard }) => shard && shard.books.pending.size > 0)) {
      coverage.hit("partition healed with pending orders");
    }
  }

  #send(from: number, to: number, frame: Uint8Array): void {
    const { plan, random, schedule, coverage, healed } = this.#world;
    const way = `${from}>${to}`;
    const number = (this.#sent.get(way) ?? 0) + 1;
    this.#sent.set(way, number);
    const faults = healed ? calm : plan.bus;
    if (this.#cut.has(pairOf(from, to))) return;
    if (random.chance(faults.lose)) {
      coverage.hit("frame lost");
      return;
    }
    let delay = random.between(50, 1500);
    if (random.chance(faults.late)) {
      delay += random.between(100_000, 3_000_000);
      coverage.hit("frame late");
    }
    schedule.after(delay, () => this.#arrive(way, number, to, frame));
    if (random.chance(faults.double)) {
      coverage.hit("frame doubled");
      const copy = frame.slice();
      schedule.after(random.between(50, 1_000_000), () => this.#arrive(way, number, to, copy));
    }
  }

  #arrive(way: string, number: number, to: number, frame: Uint8Array): void {
    const { schedule, coverage, trace, hosts } = this.#world;
    const host = hosts[to]!;
    if (!host.shard) {
      coverage.hit("frame to a shard that is down");
      return;
    }
    if (number < (this.#arrived.get(way) ?? 0)) coverage.hit("frame overtaken");
    else this.#arrived.set(way, number);
    const { sender, first, messages } = decodeFrame(frame)!;
    const heard = host.shard.books.outboxes.heard(sender);
    if (messages.length > 0 && first + messages.length - 1 <= heard)
      coverage.hit("message doubled after it was durable");
    trace.note(schedule.now, `frame ${way} #${number} ${first}+${messages.length}`);
    host.shard.receive(frame);
  }
}

const calm = { lose: 0, double: 0, late: 0 };

function pairOf(a: number, b: number): string {
  return a < b ? `${a}-${b}` : `${b}-${a}`;
}
