/**
 * What can only be seen with the logs of several shards side by side: messages that were heard were sent, and every
 * branch ended as its order did. Filled while each log is read, asked at the end.
 */

import { orderId } from "../../actors/order-number.js";
import { Statuses, statuses } from "../../actors/order-transitions.js";
import type { Findings } from "./audit-findings.js";

/** An order across shards, at its coordinator. */
export interface CrossShardOrder {
  readonly shard: number;
  readonly position: number;
  readonly lines: readonly { readonly productId: string; readonly qty: number }[];
  readonly account: string;
  /** Its branches sell at once, and give back what is sold if it does not come about. */
  readonly saga: boolean;
  /** Where it stands; None = begun, undecided. */
  status: number;
  /** It was free, and canceled after its lines were confirmed: they stay so, and its units are sent back. */
  canceledFree: boolean;
  /** The order ended before it was placed. */
  refused: boolean;
  /** It was canceled, and asks for its lines once more. */
  reinstating: boolean;
  /** -1 until it is placed. */
  currency: number;
  /** Branches that answered that they hold, and their unit price. */
  readonly held: Map<number, number>;
  /** Units that its refunds send back, by branch. */
  readonly returned: Map<number, number>;
}

export interface AuditedBranch {
  readonly order: number;
  readonly branch: number;
  readonly shard: number;
  readonly position: number;
  readonly productId: string;
  readonly qty: number;
  readonly unitPrice: number;
  readonly currency: number;
  readonly account: string;
  /** 0 = undecided, 1 = confirmed, 2 = canceled. */
  how: number;
  /** It sold at once. */
  saga: boolean;
  /** Units that came back with refunds. */
  returned: number;
}

interface Channel {
  sent: number;
  heard: number;
  acked: number;
}

/** Money of a payment that left its shard, or came to its order's. */
interface Moved {
  readonly shard: number;
  readonly position: number;
  readonly peer: number;
  readonly currency: number;
  readonly amount: number;
}

export class CrossShard {
  readonly orders = new Map<number, CrossShardOrder>();
  readonly #forwarded = new Map<string, Moved>();
  readonly #arrived = new Map<string, Moved[]>();
  readonly #branches = new Map<string, AuditedBranch>();
  readonly #channels = new Map<string, Channel>();
  readonly #shards: ReadonlySet<number>;

  constructor(shards: readonly number[]) {
    this.#shards = new Set(shards);
  }

  forward(name: string, moved: Moved): void {
    this.#forwarded.set(name, moved);
  }

  arrive(name: string, moved: Moved): void {
    this.#arrived.set(name, [...(this.#arrived.get(name) ?? []), moved]);
  }

  /** What arrived was sent, to there, once, and as much. */
  #finishPayments(findings: Findings): void {
    for (const [name, arrivals] of this.#arrived) {
      const sent = this.#forwarded.get(name);
      for (const [index, { shard, position, peer, currency, amount }] of arrivals.entries()) {
        findings.looked("payments", 1);
        const fits = sent?.shard === peer && sent.peer === shard;
        const same = sent?.currency === currency && sent.amount === amount;
        if (!fits || !same)
          findings.bad("payments", shard, position, `${name}: arrived otherwise than it was sent`);
        if (index > 0) findings.bad("payments", shard, position, `${name}: arrived twice`);
      }
    }
  }

  /** Messages from one shard to another: what the sender wrote, what the receiver heard. */
  channel(from: number, to: number): Channel {
    const name = `${from}>${to}`;
    const known = this.#channels.get(name);
    if (known) return known;
    const channel: Channel = { sent: 0, heard: 0, acked: 0 };
    this.#channels.set(name, channel);
    return channel;
  }

  branch(order: number, branch: number): AuditedBranch | undefined {
    return this.#branches.get(`${order}:${branch}`);
  }

  tried(branch: AuditedBranch): void {
    this.#branches.set(`${branch.order}:${branch.branch}`, branch);
  }

  finish(findings: Findings, ends: ReadonlyMap<number, number>): void {
    if (this.#channels.size === 0 && this.orders.size === 0 && this.#branches.size === 0) return;
    const missing = new Set<string>();
    for (const name of this.#channels.keys()) {
      for (const shard of name.split(">")) if (!this.#shards.has(Number(shard))) missing.add(shard);
    }
    if (missing.size > 0) {
      const why = `the logs of shards ${[...missing].sort().join(", ")} were not given`;
      findings.notChecked("messages", why);
      findings.notChecked("branches", why);
      return;
    }
    this.#finishPayments(findings);
    this.#finishChannels(findings, ends);
    this.#finishBranches(findings);
    this.#finishOrders(findings);
  }

  #finishChannels(findings: Findings, ends: ReadonlyMap<number, number>): void {
    for (const [name, { sent, heard, acked }] of this.#channels) {
      const [from, to] = name.split(">").map(Number) as [number, number];
      findings.looked("messages", sent);
      if (heard > sent) {
        findings.bad(
          "messages",
          to,
          ends.get(to)!,
          `heard ${heard} messages of shard ${from}, which sent ${sent}`,
        );
      }
      if (acked > heard) {
        findings.bad(
          "messages",
          from,
          ends.get(from)!,
          `${acked} acknowledged by shard ${to}, which heard ${heard}`,
        );
      }
    }
  }

  #finishBranches(findings: Findings): void {
    for (const branch of this.#branches.values()) {
      const { shard, position, how } = branch;
      const order = this.orders.get(branch.order);
      const id = `${orderId(branch.order)} branch ${branch.branch}`;
      const bad = (what: string) => findings.bad("branches", shard, position, `${id}: ${what}`);
      findings.looked("branches", 1);
      if (!order) {
        bad("no shard knows the order");
        continue;
      }
      const line = order.lines[branch.branch];
      if (
        line?.productId !== branch.productId ||
        line.qty !== branch.qty ||
        order.account !== branch.account
      ) {
        bad("holds something else than the order asked for");
      }
      const price = order.held.get(branch.branch);
      if (price !== undefined && price !== branch.unitPrice) bad(`answered ${price} for ${branch.unitPrice}`);
      if (order.currency >= 0 && order.currency !== branch.currency)
        bad("has another currency than its order");
      if (order.saga !== branch.saga)
        bad(branch.saga ? "sold at once, and its order is no saga" : "held, and its order is a saga");
      const wanted = wantedEnd(order);
      // The first branch of one that asks once more was given back, and its shard may not have heard of the second.
      if (how !== 0 && how !== wanted && !(order.reinstating && how === 2))
        bad(`${endNames[how]}, but the order is ${standing(order)}`);
      // Nothing is on its way any more, and still the branch was not told.
      const channel = this.channel(order.shard, shard);
      if (how === 0 && wanted !== 0 && channel.heard >= channel.sent) {
        bad(`undecided, but the order is ${standing(order)} and no message is under way`);
      }
      const sentBack = order.returned.get(branch.branch) ?? 0;
      const { returned } = branch;
      if (returned > sentBack || (returned < sentBack && channel.heard >= channel.sent)) {
        bad(`${returned} units came back, the refunds sent back ${sentBack}`);
      }
    }
  }

  #finishOrders(findings: Findings): void {
    for (const [number, order] of this.orders) {
      const needed = order.status === Statuses.None ? order.held.keys() : order.lines.keys();
      for (const branch of needed) {
        if (this.branch(number, branch)) continue;
        const what = `${orderId(number)} branch ${branch}: counted as held, and no shard holds it`;
        findings.bad("branches", order.shard, order.position, what);
      }
    }
  }
}

const endNames = ["undecided", "confirmed", "canceled"] as const;

function wantedEnd(order: CrossShardOrder): number {
  if (order.reinstating) return 0;
  if (order.refused || (order.status === Statuses.Canceled && !order.canceledFree)) return 2;
  return order.status === Statuses.None || order.status === Statuses.Created ? 0 : 1;
}

function standing(order: CrossShardOrder): string {
  return order.refused ? "refused" : statuses[order.status]!;
}
