/**
 * The disk under one shard's journal, byte by byte: what was synced, what only the page cache holds, and what is left of
 * that when the process or the machine dies.
 *
 *   record   u32 length of the body, u32 CRC-32 of body and positions, f64 first, f64 last, body
 *
 * DISK-1  Synced bytes are never lost and never change.
 * DISK-2  Bytes in the page cache survive the death of the process and, at a power loss, only as a prefix of any length.
 * DISK-3  Opening the disk again reads records up to the first that is torn, and forgets the rest.
 */

import { crc32 } from "node:zlib";
import { type Group, type Journal, JournalFailed } from "../../persistence/log/journal.js";
import type { Random } from "./random.js";

/** What happens to one append, at which of its moments. */
export type Fate =
  | "synced"
  | "synced late"
  | "killed before the write"
  | "killed in the write"
  | "killed before the sync"
  | "killed before the flush"
  | "killed after the flush"
  | "write error"
  | "disk full"
  | "sync error"
  | "late sync error";

/** The process is gone in the middle of an append. Thrown to get out of it. */
export class Killed extends Error {
  override readonly name = "Killed";
}

export interface DiskRules {
  readonly random: Random;
  /** Decides about the next append. */
  fate(group: Group): Fate;
  /** Calls back after some time of the world. */
  later(run: () => void): void;
  /** A sync failed after its append had returned. */
  failed(error: Error): void;
}

const headBytes = 24;

export class Disk {
  readonly groups: Group[] = [];
  /** Bytes of the page cache that no fsync has covered. */
  #cached: Buffer[] = [];
  #cachedGroups: Group[] = [];

  write(bytes: Buffer, group: Group | undefined): void {
    this.#cached.push(bytes);
    if (group) this.#cachedGroups.push(group);
  }

  sync(): void {
    this.groups.push(...this.#cachedGroups);
    this.#cached = [];
    this.#cachedGroups = [];
  }

  /** The process died, and with `powerLoss` the machine. What is there afterwards, and what became of the rest. */
  crash(random: Random, powerLoss: boolean): { survived: number; lost: number; torn: boolean } {
    const bytes = Buffer.concat(this.#cached);
    const kept = powerLoss ? survivingBytes(random, bytes.length) : bytes.length;
    const asked = this.#cachedGroups.length;
    this.#cached = [];
    this.#cachedGroups = [];
    let at = 0;
    let survived = 0;
    for (;;) {
      const group = readRecord(bytes.subarray(at, kept));
      if (!group) break;
      at += headBytes + group.body.length;
      this.groups.push(group);
      survived++;
    }
    return { survived, lost: Math.max(0, asked - survived), torn: at < kept };
  }
}

/** All, nothing, or any part: a page at a time is not fine enough to find every mistake. */
function survivingBytes(random: Random, length: number): number {
  if (random.chance(0.3)) return length;
  return random.chance(0.3) ? 0 : random.between(0, length);
}

/** Bodies are Buffers, as those are that SQLite gives. */
function readRecord(bytes: Buffer): Group | undefined {
  if (bytes.length < headBytes) return undefined;
  const length = bytes.readUInt32LE(0);
  if (bytes.length < headBytes + length) return undefined;
  if (crc32(bytes.subarray(8, headBytes + length)) !== bytes.readUInt32LE(4)) return undefined;
  const body = bytes.subarray(headBytes, headBytes + length);
  return { first: bytes.readDoubleLE(8), last: bytes.readDoubleLE(16), body };
}

function encodeRecord({ first, last, body }: Group): Buffer {
  const bytes = Buffer.alloc(headBytes + body.length);
  bytes.writeUInt32LE(body.length, 0);
  bytes.writeDoubleLE(first, 8);
  bytes.writeDoubleLE(last, 16);
  bytes.set(body, headBytes);
  bytes.writeUInt32LE(crc32(bytes.subarray(8)), 4);
  return bytes;
}

/** A journal on such a disk, for the life of one process. */
export class DiskJournal implements Journal {
  appended: number;
  durable: number;
  onDurable: (position: number) => void = () => {};
  bytesAppended = 0;
  syncs = 0;
  #dead: Error | undefined;
  readonly #disk: Disk;
  readonly #rules: DiskRules;

  constructor(disk: Disk, rules: DiskRules) {
    this.#disk = disk;
    this.#rules = rules;
    this.appended = this.durable = disk.groups.at(-1)?.last ?? 0;
  }

  append(group: Group): void {
    if (this.#dead) throw this.#dead;
    if (group.first !== this.appended + 1) throw new Error(`append of ${group.first} after ${this.appended}`);
    const fate = this.#rules.fate(group);
    if (fate === "killed before the write") this.#die(new Killed(fate));
    const record = encodeRecord(group);
    if (fate === "killed in the write" || fate === "write error" || fate === "disk full") {
      this.#disk.write(record.subarray(0, this.#rules.random.below(record.length)), undefined);
      this.#die(fate === "killed in the write" ? new Killed(fate) : new JournalFailed(fate));
    }
    this.#disk.write(record, readRecord(record)!);
    this.appended = group.last;
    this.bytesAppended += record.length;
    if (fate === "killed before the sync") this.#die(new Killed(fate));
    if (fate === "sync error") this.#die(new JournalFailed(fate));
    if (fate === "synced late" || fate === "late sync error") {
      this.#rules.later(() => this.#syncLater(fate));
      return;
    }
    this.#sync();
    if (fate === "killed before the flush") this.#die(new Killed(fate));
    this.onDurable(this.durable);
    if (fate === "killed after the flush") this.#die(new Killed(fate));
  }

  /** Groups that end at or after `from`. */
  *read(from: number): Iterable<Group> {
    const { groups } = this.#disk;
    let low = 0;
    for (let high = groups.length; low < high; ) {
      const middle = (low + high) >>> 1;
      if (groups[middle]!.last < from) low = middle + 1;
      else high = middle;
    }
    for (; low < groups.length; low++) yield groups[low]!;
  }

  /** Nothing that this process still has under way happens any more. */
  close(): void {
    this.#dead ??= new JournalFailed("closed");
  }

  #syncLater(fate: Fate): void {
    if (this.#dead) return;
    if (fate === "late sync error") {
      this.#dead = new JournalFailed(fate);
      this.#rules.failed(this.#dead);
      return;
    }
    this.#sync();
    this.onDurable(this.durable);
  }

  #sync(): void {
    this.#disk.sync();
    this.syncs++;
    this.durable = this.appended;
  }

  #die(error: Error): never {
    this.#dead = error;
    throw error;
  }
}
