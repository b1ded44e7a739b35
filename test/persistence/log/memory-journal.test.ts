import fc from "fast-check";
import { expect, test } from "vitest";
import { JournalFailed } from "../../../persistence/log/journal.js";
import { memoryJournal, memoryStore } from "../../../persistence/log/memory-journal.js";
import { groupAt } from "../../support/persistence-log.js";

const lasts = (groups: Iterable<{ last: number }>) => [...groups].map((group) => group.last);

test("a group is durable at once, and its body is a copy", () => {
  const journal = memoryJournal();
  const seen: number[] = [];
  journal.onDurable = (position) => seen.push(position);
  const group = groupAt(1, 3);
  const body = Uint8Array.from(group.body);
  journal.append(group);
  group.body.fill(0);
  journal.append(groupAt(4, 2));
  expect(seen).toEqual([3, 5]);
  expect([...journal.read(1)][0]!.body).toEqual(body);
  expect([journal.appended, journal.durable, journal.bytesAppended, journal.syncs]).toEqual([5, 5, 80, 2]);
});

test("manual: nothing is durable or read until it is settled, then in order and once per group", () => {
  const journal = memoryJournal({ manual: true });
  const seen: number[] = [];
  journal.onDurable = (position) => seen.push(position);
  for (const first of [1, 3, 5]) journal.append(groupAt(first, 2));
  expect([journal.appended, journal.durable, lasts(journal.read(1))]).toEqual([6, 0, []]);
  journal.settle(1);
  expect([seen, lasts(journal.read(1))]).toEqual([[2], [2]]);
  journal.settle();
  journal.settle();
  expect([seen, lasts(journal.read(4))]).toEqual([
    [2, 4, 6],
    [4, 6],
  ]);
});

test("a group out of order is a programmer's error", () => {
  const journal = memoryJournal();
  for (const first of [0, 2]) expect(() => journal.append(groupAt(first))).toThrow(/does not follow/);
});

test.each([
  { ending: "lost", survivors: undefined, found: [1, 2] },
  { ending: "kept", survivors: undefined, found: [1, 2, 3] },
  { ending: "kept", survivors: 0, found: [1, 2] },
] as const)(
  "MEMORY-JOURNAL-3: a failed append, group $ending, survivors $survivors: after a restart $found",
  (row) => {
    const store = memoryStore();
    const journal = memoryJournal({ store, faults: { onAppend: (n) => (n === 3 ? row.ending : "ok") } });
    const seen: number[] = [];
    journal.onDurable = (position) => seen.push(position);
    journal.append(groupAt(1));
    journal.append(groupAt(2));
    expect(() => journal.append(groupAt(3))).toThrow(JournalFailed);
    expect(() => journal.append(groupAt(3))).toThrow(JournalFailed);
    journal.settle();
    expect([seen, journal.durable]).toEqual([[1, 2], 2]);
    const survivors = row.survivors;
    const again = memoryJournal({
      store,
      ...(survivors !== undefined && { faults: { survivors: () => survivors } }),
    });
    expect(lasts(again.read(1))).toEqual(row.found);
    again.append(groupAt(again.durable + 1));
  },
);

test("MEMORY-JOURNAL-4: a journal whose store was opened again may not be used any more", () => {
  const store = memoryStore();
  const journal = memoryJournal({ store });
  journal.append(groupAt(1));
  memoryJournal({ store });
  expect(() => journal.append(groupAt(2))).toThrow(/another journal/);
});

test("MEMORY-JOURNAL-1, MEMORY-JOURNAL-2: whatever fails and whatever a crash takes: what was durable stays, in order, without a gap", () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.constant({ does: "append" as const }) },
    { weight: 2, arbitrary: fc.record({ does: fc.constant("settle" as const), groups: fc.nat(3) }) },
    { weight: 1, arbitrary: fc.record({ does: fc.constant("crash" as const), survivors: fc.nat(5) }) },
    { weight: 1, arbitrary: fc.record({ does: fc.constant("fail" as const), kept: fc.boolean() }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.boolean(), (steps, manual) => {
      const store = memoryStore();
      let ending: "ok" | "lost" | "kept" = "ok";
      let survivors = 0;
      let promised = 0;
      const open = () => {
        const faults = {
          onAppend: () => ending,
          survivors: (unsynced: number) => Math.min(unsynced, survivors),
        };
        const journal = memoryJournal({ store, manual, faults });
        journal.onDurable = (position) => {
          expect(position).toBeGreaterThan(promised);
          promised = position;
        };
        expect(journal.durable).toBeGreaterThanOrEqual(promised);
        const found = lasts(journal.read(1));
        expect(found).toEqual(found.map((_, i) => i + 1));
        promised = journal.durable;
        return journal;
      };
      let journal = open();
      for (const next of steps) {
        ending = next.does === "fail" ? (next.kept ? "kept" : "lost") : "ok";
        if (next.does === "append") journal.append(groupAt(journal.appended + 1));
        else if (next.does === "settle") journal.settle(next.groups);
        else if (next.does === "fail") expect(() => journal.append(groupAt(journal.appended + 1))).toThrow();
        if (next.does === "crash") survivors = next.survivors;
        if (next.does === "crash" || next.does === "fail") journal = open();
      }
    }),
  );
});
