/**
 * How far the log must reach, kept outside of it.
 *
 * A log that lost its end looks like a shorter log: every hash in it is right. So the position and the chain
 * hash of the last durable group are also written to the file `anchor`, and a log that does not reach them
 * is refused.
 *
 *   two slots, at 0 and at 4,096, written in turns:
 *     magic "YFANCHOR" | sequence u64 | position u64 | chain hash 32 | zero u32 | crc32 of the 60 bytes u32
 *   2,048 bytes behind each slot, written once: the identity of the log (`identity`)
 *
 * ANCHOR-1  A slot is written after the group is durable, so the anchor never claims more than the disk holds.
 * ANCHOR-2  It is written with pwrite and no fsync (2 microseconds): it survives kill -9. It is fsynced when a
 *           segment is finished and when the journal is closed. After a power loss it may therefore be old, and then it
 *           proves less, but it is never wrong.
 * ANCHOR-3  The slots lie in different pages, so a torn write spoils one, and the other is one group older at most.
 *           The file has its full length and both slots from the moment it has its name.
 */

import { closeSync, constants, fdatasyncSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { createFileDurably, type Place, placeOf, writeFully } from "./folder.js";
import { type ChainPoint, hashBytes, readPosition, writePosition } from "./hash-chain.js";
import { decodeIdentity, encodeIdentity, type LogIdentity } from "./identity.js";
import { LogDamaged } from "./journal.js";
import { storageError } from "./storage-error.js";

const slotAt = 4096;
const slotBytes = 64;
/** From each slot on: in its page and in a sector that is never written again. */
const identityAt = 2048;
const magic = Buffer.from("YFANCHOR");

export function anchorFile(folder: string): string {
  return join(folder, "anchor");
}

interface Slot extends ChainPoint {
  readonly sequence: number;
}

export interface Anchor extends Slot {
  /** Whose log this is; undefined when it was made before that was written down, or when neither copy is readable. */
  readonly identity: LogIdentity | undefined;
}

/** The newest readable slot; undefined when there is no anchor. Throws `LogDamaged` when no slot is readable. */
export function readAnchor(folder: string): Anchor | undefined {
  const file = anchorFile(folder);
  let content: Buffer;
  try {
    content = readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw storageError(file, "read", error);
  }
  const slots = [readSlot(content, 0), readSlot(content, slotAt)].filter((slot) => slot !== undefined);
  if (slots.length === 0) throw new LogDamaged(file, "byte 0", `neither slot is readable; ${withoutAnchor}`);
  const newest = slots.reduce((latest, slot) => (slot.sequence > latest.sequence ? slot : latest));
  const identity = [0, slotAt]
    .map((at) => decodeIdentity(content.subarray(at + identityAt), file))
    .find((found) => found !== undefined);
  return { ...newest, identity };
}

/** What an operator can do about a log without its anchor. */
export const withoutAnchor =
  "restore this file from a copy made together with the log, or, if every other sign says that the log is " +
  "whole, remove the file and open the log once with acceptMissingAnchor";

/** Creates the anchor with both slots at `point`, durably, or puts it in the place of the one that is there. */
export function createAnchor(folder: string, point: ChainPoint, identity: LogIdentity): void {
  const content = Buffer.alloc(2 * slotAt);
  writeSlot(content, 0, { ...point, sequence: 0 });
  writeSlot(content, slotAt, { ...point, sequence: 1 });
  for (const at of [0, slotAt]) encodeIdentity(identity).copy(content, at + identityAt);
  createFileDurably(anchorFile(folder), content);
}

export interface AnchorWriter {
  readonly place: Place;
  /** Moves the anchor on. Survives the process, not the machine, until `sync`. */
  write(position: number, hash: Uint8Array): void;
  sync(): void;
  close(): void;
}

/** Opens an anchor that exists and was read. */
export function openAnchor(folder: string, sequenceRead: number): AnchorWriter {
  const fd = openSync(anchorFile(folder), constants.O_RDWR);
  const slot = Buffer.alloc(slotBytes);
  let sequence = sequenceRead;
  return {
    place: placeOf(anchorFile(folder)),
    write(position, hash) {
      sequence += 1;
      writeSlot(slot, 0, { sequence, position, hash });
      writeFully(fd, slot, (sequence % 2) * slotAt);
    },
    sync() {
      fdatasyncSync(fd);
    },
    close() {
      closeSync(fd);
    },
  };
}

function writeSlot(into: Buffer, at: number, slot: Slot): void {
  magic.copy(into, at);
  writePosition(into, slot.sequence, at + 8);
  writePosition(into, slot.position, at + 16);
  into.set(slot.hash, at + 24);
  into.writeUInt32LE(crc32(into.subarray(at, at + 60)), at + 60);
}

function readSlot(content: Buffer, at: number): Slot | undefined {
  if (content.length < at + slotBytes) return undefined;
  const slot = content.subarray(at, at + slotBytes);
  if (!slot.subarray(0, 8).equals(magic) || slot.readUInt32LE(60) !== crc32(slot.subarray(0, 60))) return;
  return {
    sequence: readPosition(slot, 8),
    position: readPosition(slot, 16),
    hash: Buffer.from(slot.subarray(24, 24 + hashBytes)),
  };
}
