/**
 * The seam between the loop and the disk.
 *
 * A journal takes groups of facts in order and says how far they are durable. It knows nothing of what a fact
 * means. Two implementations: `sqlite-journal` (the real one) and `memory-journal` (embedded use without a
 * folder, tests, the simulator's faulty disk).
 *
 * JOURNAL-1  Groups are appended in order without a gap: `group.first` is the last position plus one.
 * JOURNAL-2  `onDurable(n)` is called only when the group that ends at n, and every group before it, would survive
 *            a power loss on an honest disk. It is called with rising n, once per group at most, and may be called from
 *            inside `append`.
 * JOURNAL-3  After the first failed write or fsync the journal is dead: `append` throws `JournalFailed`, every later
 *            `append` throws it again, and `onDurable` is never called again. Whether the failed group is on the disk is
 *            unknown; nobody may be told that it is not.
 */

export interface Group {
  /** Position of the first fact in it; positions count from 1. */
  readonly first: number;
  /** Position of the last fact in it. */
  readonly last: number;
  /** Encoded turns and facts. The journal copies it or writes it before `append` returns. */
  readonly body: Uint8Array;
}

export interface Journal {
  /** Position of the last fact appended; 0 when empty. */
  readonly appended: number;
  /** Position of the last fact known to be durable. */
  readonly durable: number;
  /** Set once by the shard before the first append. */
  onDurable: (position: number) => void;
  /** Takes the next group. Throws `JournalFailed`. */
  append(group: Group): void;
  /** Groups that end at or after `from`, in order, durable ones only. */
  read(from: number, bytes?: number): Iterable<Group>;
  /** Bytes appended since this process opened it, for metrics and benches. */
  readonly bytesAppended: number;
  /** fsyncs made since this process opened it. */
  readonly syncs: number;
  close(): void;
}

/** The log could not be written. The only right reaction is to stop and exit non-zero. */
export class JournalFailed extends Error {
  override readonly name = "JournalFailed";
}

/** The log on disk is not what was written there. The only right reaction is not to serve. */
export class LogDamaged extends Error {
  override readonly name = "LogDamaged";
  constructor(
    /** The file that is damaged. */
    readonly file: string,
    /** Where: a byte offset, a position or a row. */
    readonly place: string,
    what: string,
  ) {
    super(`${file}: ${place}: ${what}`);
  }
}
