import type { Group, Journal } from "../../persistence/journal.js";
export function memoryJournal(): Journal {
  const groups: Group[] = [];
  return {
    appended: 0, durable: 0, bytesAppended: 0, syncs: 0, onDurable: () => {},
    append(g) { groups.push({ ...g, body: g.body.slice() }); this.onDurable(g.last); },
    *read(from) { for (const g of groups) if (g.last >= from) yield g; },
    close() {},
  };
}
