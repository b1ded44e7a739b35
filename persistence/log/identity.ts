/**
 * Whose log it is: which engine's, and which shard of how many. It never changes, and every part of a log says it, so that no
 * part can be taken for another's: the anchor holds it twice, each segment in a table of its own, and the hash of each group is
 * made over it (`hash-chain`).
 *
 *   magic "YFLOGIDN" | format u32 | shard u32 | shards u32 | engine 16 | crc32 of the 36 bytes u32
 *
 * Integers are little-endian. Logs of before this have none until they are taken over; their older segments never do.
 */

import { crc32 } from "node:zlib";
import { FolderRefused, newerVersionNeeded } from "./storage-error.js";

export interface LogIdentity {
  /** Made once, at random: 32 hexadecimal digits. */
  readonly engine: string;
  readonly shard: number;
  /** How many shards the engine has. */
  readonly shards: number;
}

export const identityBytes = 40;

const magic = Buffer.from("YFLOGIDN");
const format = 1;
const engineAt = 20;
const crcAt = 36;

export function encodeIdentity({ engine, shard, shards }: LogIdentity): Buffer {
  const bytes = Buffer.alloc(identityBytes);
  magic.copy(bytes);
  bytes.writeUInt32LE(format, 8);
  bytes.writeUInt32LE(shard, 12);
  bytes.writeUInt32LE(shards, 16);
  bytes.write(engine, engineAt, "hex");
  bytes.writeUInt32LE(crc32(bytes.subarray(0, crcAt)), crcAt);
  return bytes;
}

/** What `bytes` begin with; undefined when that is no identity. Throws `FolderRefused` for one of a newer version. */
export function decodeIdentity(bytes: Uint8Array, file: string): LogIdentity | undefined {
  if (bytes.length < identityBytes) return undefined;
  const from = Buffer.from(bytes.buffer, bytes.byteOffset, identityBytes);
  if (!from.subarray(0, 8).equals(magic)) return undefined;
  if (from.readUInt32LE(crcAt) !== crc32(from.subarray(0, crcAt))) return undefined;
  const found = from.readUInt32LE(8);
  if (found > format) {
    throw new FolderRefused(file, `the log's format ${found} is newer than this version`, newerVersionNeeded);
  }
  return {
    engine: from.toString("hex", engineAt, crcAt),
    shard: from.readUInt32LE(12),
    shards: from.readUInt32LE(16),
  };
}

export function sameIdentity(a: LogIdentity, b: LogIdentity): boolean {
  return a.engine === b.engine && a.shard === b.shard && a.shards === b.shards;
}

/** For a sentence: "shard 0 of 2 of engine 6f1c...". */
export function nameOf({ engine, shard, shards }: LogIdentity): string {
  return `shard ${shard} of ${shards} of engine ${engine}`;
}
