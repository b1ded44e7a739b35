/**
 * Follows a log from another thread, another process, or beside the writer in the same one. For the feed, the
 * projector, snapshots, exports.
 *
 * LOG-READER-1  Only durable groups are seen: SQLite shows a transaction to others after its fsync.
 * LOG-READER-2  Nothing blocks the writer. Even a reader that stays in one transaction for ever holds back only
 *               checkpoints, and there are none.
 * LOG-READER-3  It proves nothing about the end of the log, which only `checkLog` with the anchor does. With `verify` it
 *               recomputes the chain of what it reads.
 */

import { readAnchor } from "./anchor.js";
import { type ChainPoint, genesis, hashOf, hex, type LoggedGroup, sameHash } from "./hash-chain.js";
import type { LogIdentity } from "./identity.js";
import { LogDamaged } from "./journal.js";
import { listSegments, openSegment, type SegmentReader, segmentHolding } from "./segments.js";

const batchBytes = 1 << 20;

export class LogReader {
  readonly #folder: string;
  readonly #verify: boolean;
  #segment: SegmentReader | undefined;
  /** End of what was read last; undefined hash when the reader was set on a place and has read nothing. */
  #at: ChainPoint | undefined;

  constructor(folder: string, options: { readonly verify?: boolean } = {}) {
    this.#folder = folder;
    this.#verify = options.verify ?? false;
  }

  /**
   * The groups that end after `position`, in order and without a gap, at least one when there is any, and about
   * `maxBytes` of bodies. Empty when caught up. Cheap when asked for what follows the last answer.
   */
  readAfter(position: number, maxBytes: number = batchBytes): LoggedGroup[] {
    if (this.#at?.position !== position) this.#seek(position);
    const found = this.#readSegment(position, maxBytes);
    if (found.length > 0) return found;
    return this.#advance(position) ? this.#readSegment(position, maxBytes) : [];
  }

  close(): void {
    this.#segment?.close();
    this.#segment = undefined;
  }

  #seek(position: number): void {
    this.close();
    const segments = listSegments(this.#folder);
    const segment = segments[segmentHolding(segments, position + 1)];
    if (segment) this.#segment = openSegment(segment);
    if (segment && segment.first > position + 1) {
      throw new LogDamaged(this.#folder, `position ${position + 1}`, `the log begins with ${segment.first}`);
    }
    this.#at = position === 0 ? genesis : undefined;
  }

  #readSegment(position: number, maxBytes: number): LoggedGroup[] {
    const groups: LoggedGroup[] = [];
    let bytes = 0;
    if (!this.#segment) return groups;
    for (const group of this.#segment.groupsFrom(position + 1)) {
      if (group.last <= position) continue;
      this.#follow(this.#segment.file, group);
      groups.push(group);
      bytes += group.body.length;
      if (bytes >= maxBytes) break;
    }
    return groups;
  }

  #follow(file: string, group: LoggedGroup): void {
    const at = this.#at;
    const place = `position ${group.first}`;
    if (at && group.first !== at.position + 1) throw new LogDamaged(file, place, `follows ${at.position}`);
    if (this.#verify) {
      if (at && !sameHash(at.hash, group.prev))
        throw new LogDamaged(file, place, `not after ${hex(at.hash)}`);
      if (!sameHash(group.hash, hashOf(group.prev, group))) {
        throw new LogDamaged(file, place, "the group does not match its hash");
      }
    }
    this.#at = { position: group.last, hash: group.hash };
  }

  /**
   * Nothing more in this segment: opens the one that may have more. False when there is none.
   *
   * A later segment that does not begin with the next position means that this one has grown since, or that the
   * engine was killed between the fsync of its last group and showing it to us, which a fresh connection sees.
   */
  #advance(position: number): boolean {
    const segments = listSegments(this.#folder);
    const current = this.#segment?.first ?? 0;
    const later = segments.find((segment) => segment.first > current);
    if (!later) return false;
    const next = later.first === position + 1 ? later : segments.find((segment) => segment.first === current);
    this.close();
    if (next) this.#segment = openSegment(next);
    return next !== undefined;
  }
}

/**
 * All durable groups that end at or after `from`, in order, as far as the log goes when each is asked for. They are read
 * about `bytes` at a time: as much as the caller expects to want.
 */
export function* readLog(folder: string, from: number, bytes = batchBytes): Generator<LoggedGroup, void> {
  const reader = new LogReader(folder);
  try {
    for (let position = Math.max(0, from - 1); ; ) {
      const groups = reader.readAfter(position, bytes);
      if (groups.length === 0) return;
      yield* groups;
      position = groups[groups.length - 1]!.last;
    }
  } finally {
    reader.close();
  }
}

/** Whose log it is, as its anchor or its newest segment says; undefined when neither does, as in a log of before. */
export function logIdentity(folder: string): LogIdentity | undefined {
  const anchor = readAnchor(folder);
  if (anchor?.identity) return anchor.identity;
  for (const segment of listSegments(folder).reverse()) {
    const reader = openSegment(segment);
    reader.close();
    return reader.identity;
  }
  return undefined;
}

/** Position of the last durable fact of a log, also while it is written. It reads one group. */
export function logEnd(folder: string): number {
  for (const segment of listSegments(folder).reverse()) {
    const reader = openSegment(segment);
    try {
      for (const { last } of reader.groupsFrom(Number.MAX_SAFE_INTEGER)) return last;
    } finally {
      reader.close();
    }
  }
  return 0;
}
