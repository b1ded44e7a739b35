/**
 * Every client that followed a topic, over whatever losses, has seen what the streams of the shards say: no gap, no double.
 * Of an order that has left the books a late reader is told less: what the books alone knew is left out.
 */

import type { Event } from "./network.js";
import { isOfAccount } from "./stories.js";
import type { World } from "./world.js";

export function auditFeeds({ clients, inspector, audit }: World): void {
  const { byTopic, isGone } = streamsOf(inspector.followers);
  for (const client of clients) {
    for (const { topic, from, events, ended } of client.followers) {
      if (from === 0) continue;
      let at = 0;
      for (const expected of byTopic.get(topic) ?? []) {
        if (expected.seq < from) continue;
        const seen = events[at];
        if (ended && !seen) break;
        const gone = isGone(expected);
        if (seen && told(seen, gone) === told(expected, gone)) at++;
        else
          audit.violation(
            `client ${client.number}, ${topic} from ${from}: ` +
              `event ${at} is ${JSON.stringify(seen)}, the stream says ${JSON.stringify(expected)}`,
          );
      }
      if (at < events.length)
        audit.violation(
          `client ${client.number}, ${topic} from ${from}: no stream has ${JSON.stringify(events[at])}`,
        );
    }
  }
}

/** The shards' streams, and what of them belongs to each account and product. */
function streamsOf(followers: readonly { readonly topic: string; readonly events: readonly Event[] }[]) {
  const byTopic = new Map<string, Event[]>();
  const archived = new Set<unknown>();
  const owners = new Map<unknown, unknown>();
  const orders = new Map<unknown, unknown>();
  const add = (topic: string, event: Event) => {
    const stream = byTopic.get(topic);
    if (stream) stream.push(event);
    else byTopic.set(topic, [event]);
  };
  for (const { topic, events } of followers) {
    byTopic.set(topic, [...events]);
    for (const event of events) {
      const { type, data } = event;
      if (type === "order.created") owners.set(data.order, data.account);
      if (type === "order.archived") archived.add(data.order);
      if (type === "refund.requested") orders.set(data.refund, data.order);
      const order = data.order ?? orders.get(data.refund);
      if (type.startsWith("product.")) add(`product:${String(data.product)}`, event);
      else if (type === "entry.made") {
        for (const name of [data.from, data.to])
          if (String(name).startsWith("wallet:"))
            add(`account:${String(name).slice("wallet:".length)}`, event);
      } else if (isOfAccount(type) || /^(account|transaction)\./.test(type)) {
        const account = data.account ?? (archived.has(order) ? undefined : owners.get(order));
        if (account !== undefined) add(`account:${String(account)}`, event);
      }
    }
  }
  return { byTopic, isGone: ({ data }: Event) => archived.has(data.order ?? orders.get(data.refund)) };
}

function told({ seq, type, time, data }: Event, gone: boolean): string {
  if (!gone) return JSON.stringify({ seq, type, time, data });
  if (type === "refund.unknown") return JSON.stringify({ seq, type, time, refund: data.refund });
  const { account: _, total: __, currency: ___, paymentId: ____, ...rest } = data;
  return JSON.stringify({ seq, type, time, rest });
}
