/**
 * Every group carries the hash of the group before it, so the last hash stands for the whole log: a group that
 * was changed, dropped, doubled or moved breaks the chain at that place.
 *
 *   hash(n) = sha256( hash(n-1) | first u64 | last u64 | format u32 | origin | body )      hash(0) = 32 zero bytes
 *
 * Integers are little-endian. The chain runs through all segments of a folder. The origin is the encoded identity of the log
 * (`identity`); a segment of before there was one has none, and its groups have format 1 in place of 2.
 */

import { createHash } from "node:crypto";
import type { Group } from "./journal.js";

export const hashBytes = 32;

/** What the first group of a log has before it. */
export const genesisHash: Uint8Array = Buffer.alloc(hashBytes);

/** A group as it stands in the log. */
export interface LoggedGroup extends Group {
  /** Chain hash of the group before it. */
  readonly prev: Uint8Array;
  /** Its own chain hash, which stands for it and everything before it. */
  readonly hash: Uint8Array;
  /** Whose log its segment is part of; empty in one of before that was written down. */
  readonly origin: Uint8Array;
}

/** A place in the chain: the last position of a group, and the hash of that group. */
export interface ChainPoint {
  readonly position: number;
  readonly hash: Uint8Array;
}

/** Where an empty log stands. */
export const genesis: ChainPoint = { position: 0, hash: genesisHash };

const head = Buffer.alloc(hashBytes + 20);

/** What a group is of that was written before logs said whose they are. */
export const noOrigin: Uint8Array = Buffer.alloc(0);

/** The number of the layout of a row and of the way to compute its hash. */
export function rowFormatOf(origin: Uint8Array): number {
  return origin.length === 0 ? 1 : 2;
}

/** The newest of them. */
export const rowFormatNewest = 2;

/** The chain hash of a group that follows `prev`. */
export function chainHash(
  prev: Uint8Array,
  first: number,
  last: number,
  origin: Uint8Array,
  body: Uint8Array,
): Buffer {
  head.set(prev, 0);
  writePosition(head, first, hashBytes);
  writePosition(head, last, hashBytes + 8);
  head.writeUInt32LE(rowFormatOf(origin), hashBytes + 16);
  return createHash("sha256").update(head).update(origin).update(body).digest();
}

/** The hash that a group must have that follows `prev`. */
export function hashOf(prev: Uint8Array, { first, last, origin, body }: LoggedGroup): Buffer {
  return chainHash(prev, first, last, origin, body);
}

/** Writes a safe, non-negative integer as a little-endian u64. */
export function writePosition(into: Buffer, position: number, at: number): void {
  into.writeUInt32LE(position % 0x1_0000_0000, at);
  into.writeUInt32LE(Math.floor(position / 0x1_0000_0000), at + 4);
}

/** Reads what `writePosition` wrote; NaN when it is not a safe integer. */
export function readPosition(from: Buffer, at: number): number {
  const position = from.readUInt32LE(at) + from.readUInt32LE(at + 4) * 0x1_0000_0000;
  return Number.isSafeInteger(position) ? position : Number.NaN;
}

export function sameHash(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

export function hex(hash: Uint8Array): string {
  return Buffer.from(hash.buffer, hash.byteOffset, hash.byteLength).toString("hex");
}
