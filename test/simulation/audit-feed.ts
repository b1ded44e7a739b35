/**
 * Every client that followed a topic, over whatever losses, has seen what the topic's whole stream says: no gap, no double.
 * Of an order that has left the books a late reader is told less: its shard's stream without what the books alone knew, its
 * account's stream not at all, unless it is read from the order's placement on.
 */

import type { Event } from "./network.js";
import type { World } from "./world.js";

export function auditFeeds({ clients, inspector, audit }: World): void {
  const whole = new Map(inspector.followers.map(({ topic, events }) => [topic, events]));
  const archived = new Set<unknown>();
  for (const events of whole.values())
    for (const { type, data } of events) if (type === "order.archived") archived.add(data.order);
  for (const client of clients) {
    for (const { topic, from, events, ended } of client.followers) {
      if (from === 0) continue;
      const stream = (whole.get(topic) ?? []).filter(({ seq }) => seq >= from);
      let at = 0;
      for (const expected of stream) {
        const seen = events[at];
        if (ended && !seen) break;
        const isGone = archived.has(expected.data.order);
        if (seen && told(seen, isGone) === told(expected, isGone)) at++;
        else if (!isGone || !topic.startsWith("account:"))
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

function told({ seq, type, time, data }: Event, isGone: boolean): string {
  if (!isGone) return JSON.stringify({ seq, type, time, data });
  const { account: _, total: __, currency: ___, ...rest } = data;
  return JSON.stringify({ seq, type, time, rest });
}
