/**
 * Reads a log from disk and proves it: every byte that counts, every hash, no gap, no end missing.
 *
 * For each segment in order: its -wal by plain reads, then its rows through SQLite. What each part finds:
 *
 * | damage                                     | found by                                                   |
 * |--------------------------------------------|------------------------------------------------------------|
 * | a changed byte of a group                  | its chain hash                                             |
 * | a group or a segment gone from the middle  | the chain, the positions                                   |
 * | a spoilt -wal in front of whole ones       | `wal-check`                                                |
 * | a transaction that SQLite does not show    | fewer rows than `wal-check` counted                        |
 * | the end gone                               | the anchor                                                 |
 *
 * LOG-CHECK-1  A log that lost or changed anything that was acknowledged is refused, with the file and the place.
 *
 * Works on the folder of a running engine too: then the log is proven up to where it stood when the check began.
 */

import { type Anchor, anchorFile, readAnchor, withoutAnchor } from "./anchor.js";
import { type ChainPoint, genesis, hashOf, type LoggedGroup, sameHash } from "./hash-chain.js";
import { type LogIdentity, nameOf, sameIdentity } from "./identity.js";
import { LogDamaged } from "./journal.js";
import {
  listSegments,
  openSegment,
  pageBytes,
  type Segment,
  type SegmentReader,
  segmentHolding,
} from "./segments.js";
import { FolderRefused } from "./storage-error.js";
import { checkWal, type WalFindings } from "./wal-check.js";

export interface LogCheck {
  readonly folder: string;
  /** A point the log must contain, usually a snapshot's. Groups after it are visited. Default: the start. */
  readonly from?: ChainPoint;
  /** "all" proves the log from its first group; "from" starts with the segment that holds `from`. Default "all". */
  readonly verify?: "all" | "from";
  /** Gets every group after `from` in order. */
  readonly visit?: (group: LoggedGroup) => void;
  /** Takes a log without an anchor as it stands. For an operator's decision only. */
  readonly acceptMissingAnchor?: boolean;
}

export interface LogFindings {
  /** The end of the log. */
  readonly end: ChainPoint;
  readonly groups: number;
  /** The last segment and what its -wal holds; undefined when there is none. */
  readonly lastSegment: (Segment & { readonly wal: WalFindings; readonly groups: number }) | undefined;
  /** Undefined when there is none. */
  readonly anchor: Anchor | undefined;
  /** Whose log it is, as its parts say; undefined when it was made before that was written down. */
  readonly identity: LogIdentity | undefined;
}

/** Throws `LogDamaged` with the file and the place, `StorageUnavailable`, or `FolderRefused` for a newer format. */
export function checkLog(options: LogCheck): LogFindings {
  const { folder, from = genesis, verify = "all", visit } = options;
  // The anchor first: on a running engine the log only grows beyond it.
  const anchor = readAnchor(folder);
  const segments = listSegments(folder);
  if (!anchor && segments.length > 0 && options.acceptMissingAnchor !== true) {
    throw new LogDamaged(anchorFile(folder), "whole file", `it is missing; ${withoutAnchor}`);
  }
  const start = verify === "from" ? segmentHolding(segments, from.position) : 0;
  const chain = new ChainWalk(start === 0 ? genesis : undefined);
  if (anchor) chain.expect(anchor, anchorFile(folder), "the anchor");
  chain.expect(from, folder, "the snapshot");

  let identity = anchor?.identity;
  let segmentBefore: LogIdentity | undefined;
  let groups = 0;
  let lastSegment: LogFindings["lastSegment"];
  for (const segment of segments.slice(start)) {
    if (lastSegment?.groups === 0) {
      throw new LogDamaged(lastSegment.file, "whole file", "an empty segment in front of another one");
    }
    const wal = checkWal(`${segment.file}-wal`, pageBytes);
    const reader = openSegment(segment);
    let rows = 0;
    try {
      identity = checkIdentity(reader, identity, segmentBefore);
      segmentBefore = reader.identity;
      for (const group of reader.groupsFrom(0)) {
        chain.follow(segment, group, rows === 0);
        rows += 1;
        if (visit && group.first > from.position) visit(group);
      }
    } finally {
      reader.close();
    }
    if (rows < wal.transactions) {
      throw new LogDamaged(
        segment.file,
        `row ${rows + 1}`,
        `${wal.transactions} groups were committed to it`,
      );
    }
    groups += rows;
    lastSegment = { ...segment, wal, groups: rows };
  }
  const end = chain.end(lastSegment?.file ?? folder);
  return { end, groups, lastSegment, anchor, identity };
}

/** Whose log it is, with one more segment read. Only the oldest segments of a log may not know it. */
function checkIdentity(
  { file, identity }: SegmentReader,
  known: LogIdentity | undefined,
  before: LogIdentity | undefined,
): LogIdentity | undefined {
  if (identity && known && !sameIdentity(identity, known)) {
    throw new FolderRefused(
      file,
      `it is of ${nameOf(identity)}, and the log of ${nameOf(known)}`,
      "put back the segment that was here, and this one where it belongs",
    );
  }
  if (!identity && before) {
    throw new LogDamaged(
      file,
      "table log",
      "it does not say whose log it is, and the segment before it does",
    );
  }
  return known ?? identity;
}

interface Expectation extends ChainPoint {
  readonly source: string;
  readonly what: string;
}

class ChainWalk {
  #at: ChainPoint | undefined;
  #expected: Expectation[] = [];

  constructor(start: ChainPoint | undefined) {
    this.#at = start;
  }

  /** The log must contain this point. */
  expect(point: ChainPoint, source: string, what: string): void {
    const expectation = { position: point.position, hash: point.hash, source, what };
    if (point.position > 0) this.#expected.push(expectation);
    else if (!sameHash(point.hash, genesis.hash)) {
      throw new LogDamaged(source, "position 0", `${what} has a hash for an empty log`);
    }
  }

  follow(segment: Segment, group: LoggedGroup, firstOfSegment: boolean): void {
    const { file } = segment;
    const place = `position ${group.first}`;
    if (firstOfSegment && group.first !== segment.first) {
      throw new LogDamaged(file, place, `the segment should begin with ${segment.first}`);
    }
    this.#at ??= this.#reach(file, { position: group.first - 1, hash: group.prev }, "start");
    const before = this.#at;
    if (group.first !== before.position + 1) {
      throw new LogDamaged(file, place, `follows position ${before.position}: groups are missing or doubled`);
    }
    if (!sameHash(group.prev, before.hash)) {
      throw new LogDamaged(file, place, "its hash of the group before is not that group's");
    }
    if (!sameHash(group.hash, hashOf(before.hash, group))) {
      throw new LogDamaged(file, place, "the group does not match its hash");
    }
    this.#at = this.#reach(file, { position: group.last, hash: group.hash }, "group");
  }

  /** Meets what is expected up to here. A walk that starts in the middle cannot meet what is before its start. */
  #reach(file: string, at: ChainPoint, why: "start" | "group"): ChainPoint {
    if (this.#expected.length === 0) return at;
    this.#expected = this.#expected.filter((point) => {
      if (point.position > at.position) return true;
      if (point.position === at.position && sameHash(point.hash, at.hash)) return false;
      if (point.position < at.position && why === "start") return false;
      throw new LogDamaged(
        file,
        `position ${point.position}`,
        `differs from ${point.what} (${point.source})`,
      );
    });
    return at;
  }

  /** Where the walk ended. All that was expected must have been met. */
  end(file: string): ChainPoint {
    const end = this.#at ?? genesis;
    for (const point of this.#expected) {
      throw new LogDamaged(
        file,
        `position ${end.position + 1}`,
        `the log ends with ${end.position}, but ${point.what} (${point.source}) proves that it reached ${point.position}`,
      );
    }
    return end;
  }
}
