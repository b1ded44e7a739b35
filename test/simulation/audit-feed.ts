/** Every client that followed a topic, over whatever losses, has seen what the topic's whole stream says: no gap, no double. */

import type { World } from "./world.js";

export function auditFeeds({ clients, inspector, audit }: World): void {
  const whole = new Map(inspector.followers.map(({ topic, events }) => [topic, events]));
  for (const client of clients) {
    for (const { topic, from, events, ended } of client.followers) {
      if (from === 0) continue;
      const stream = (whole.get(topic) ?? []).filter(({ seq }) => seq >= from);
      for (let i = 0; i < (ended ? events.length : Math.max(stream.length, events.length)); i++) {
        const { sub: _, ...expected } = stream[i] ?? nothing;
        const { sub: __, ...seen } = events[i] ?? nothing;
        if (JSON.stringify(expected) === JSON.stringify(seen)) continue;
        audit.violation(
          `client ${client.number}, ${topic} from ${from}: ` +
            `event ${i} is ${JSON.stringify(seen)}, the stream says ${JSON.stringify(expected)}`,
        );
      }
    }
  }
}

const nothing = { sub: 0, seq: 0, type: "", time: 0, data: {} };
