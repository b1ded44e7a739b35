/**
 * A journal without a disk: for embedded use that needs no durability, for tests of the gate, and for the simulator,
 * whose disks fail when its seed says so.
 *
 * A store is the disk: it outlives the journal that was opened on it. What a crash does to groups that were
 * appended and not yet synced is decided when the store is opened again. A torn group does not exist at this
 * seam: SQLite shows a transaction whole or not at all, so torn is lost.
 *
 * MEMORY-JOURNAL-1  Groups survive a crash in order: if one is lost, so is every later one that was not synced.
 * MEMORY-JOURNAL-2  A synced group is never lost.
 * MEMORY-JOURNAL-3  After a failure the journal is dead (JOURNAL-3), and whether the failed group is there is known after the restart.
 * MEMORY-JOURNAL-4  One journal at a time works on a store; an older one that is still used is a programmer's error.
 */

import { type Group, type Journal, JournalFailed } from "./journal.js";

export interface MemoryStore {
  /** Synced, in order. */
  readonly synced: Group[];
  /** Appended and not synced, in order. */
  readonly unsynced: Group[];
  /** Appends ever tried on this store, failed ones included. */
  appends: number;
  /** The journal that works on it. */
  owner: Journal | undefined;
}

export function memoryStore(): MemoryStore {
  return { synced: [], unsynced: [], appends: 0, owner: undefined };
}

/** Decisions that the simulator draws from its seed. Absent means that nothing fails. */
export interface MemoryFaults {
  /**
   * How append number n of the store ends: "lost" and "kept" both throw `JournalFailed`; after "lost" (disk full,
   * failed write) the group is not there after a restart, after "kept" (failed fsync) it may be.
   */
  onAppend?(n: number, group: Group): "ok" | "lost" | "kept";
  /** How many of the groups that were not synced survive the crash, 0..unsynced. Absent: all (kill -9). */
  survivors?(unsynced: number): number;
}

export interface MemoryJournalOptions {
  readonly store?: MemoryStore;
  readonly faults?: MemoryFaults;
  /** Groups become durable when `settle` is called, not when they are appended. */
  readonly manual?: boolean;
}

export interface MemoryJournal extends Journal {
  /** Makes appended groups durable, the oldest `groups` of them or all, and says so one by one. */
  settle(groups?: number): void;
}

/** Opens a store, settling first what the last crash left of it. */
export function memoryJournal(options: MemoryJournalOptions = {}): MemoryJournal {
  const { store = memoryStore(), faults = {}, manual = false } = options;
  recover(store, faults);
  let appended = lastOf(store.synced);
  let failure: JournalFailed | undefined;

  const assertOwner = () => {
    if (store.owner !== journal) throw new Error("the store is closed or was opened by another journal");
  };
  const journal: MemoryJournal = {
    get appended() {
      return appended;
    },
    get durable() {
      return lastOf(store.synced);
    },
    onDurable: () => {},
    bytesAppended: 0,
    syncs: 0,

    append(group) {
      if (failure) throw failure;
      assertOwner();
      if (group.first !== appended + 1 || group.last < group.first) {
        throw new Error(`group ${group.first}..${group.last} does not follow position ${appended}`);
      }
      const copy = { first: group.first, last: group.last, body: Uint8Array.from(group.body) };
      const ending = faults.onAppend?.(++store.appends, copy) ?? "ok";
      if (ending !== "lost") store.unsynced.push(copy);
      if (ending !== "ok") {
        failure = new JournalFailed(`append ${store.appends} of the store failed, as decided`);
        throw failure;
      }
      appended = group.last;
      counters.bytesAppended += copy.body.length;
      if (!manual) journal.settle();
    },

    settle(groups = store.unsynced.length) {
      assertOwner();
      if (failure) return;
      for (let i = 0; i < groups && store.unsynced.length > 0; i++) {
        const group = store.unsynced.shift()!;
        store.synced.push(group);
        counters.syncs += 1;
        journal.onDurable(group.last);
      }
    },

    *read(from) {
      for (let i = indexHolding(store.synced, from); i < store.synced.length; i++) yield store.synced[i]!;
    },

    close() {
      if (store.owner !== journal) return;
      if (!failure) journal.settle();
      store.owner = undefined;
    },
  };
  const counters = journal as { bytesAppended: number; syncs: number };
  store.owner = journal;
  return journal;
}

function recover(store: MemoryStore, faults: MemoryFaults): void {
  const unsynced = store.unsynced.length;
  const survivors = unsynced === 0 ? 0 : (faults.survivors?.(unsynced) ?? unsynced);
  store.synced.push(...store.unsynced.splice(0).slice(0, survivors));
}

function lastOf(groups: readonly Group[]): number {
  return groups.at(-1)?.last ?? 0;
}

/** Index of the first group that ends at or after `position`. */
function indexHolding(groups: readonly Group[], position: number): number {
  let low = 0;
  for (let high = groups.length; low < high; ) {
    const middle = (low + high) >>> 1;
    if (groups[middle]!.last < position) low = middle + 1;
    else high = middle;
  }
  return low;
}
