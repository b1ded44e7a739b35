/**
 * Facts as bytes. A group's body is a row of turns:
 *
 *   turn   0x00, uint time (microseconds; the first turn of a group whole, every later one as the difference to the turn
 *          before), then its facts
 *   fact   byte number (1..255), then its fields in the order of the catalogue
 *
 * A turn is the unit of atomicity: a group holds whole turns only.
 *
 * The writers and readers are generated once from the catalogue as straight-line code: a loop over the fields costs
 * 3 to 4 times as much, and by hand every layout would be written down three times.
 */

import { ByteReader } from "./byte-reader.js";
import type { ByteWriter } from "./byte-writer.js";
import {
  catalogue,
  type Fact,
  type Line,
  type LineShare,
  type PartShare,
  type RequestedLine,
} from "./facts.js";

export const turnMark = 0;

const writers: ((fact: Fact, to: ByteWriter) => void)[] = [];
const readers: ((from: ByteReader) => Fact)[] = [];

for (const { number, fields } of Object.values(catalogue)) {
  const names = Object.entries(fields);
  const writes = names.map(([name, kind]) =>
    plain(kind) ? `to.${kind}(fact.${name})` : `lists.${kind}(to, fact.${name})`,
  );
  const reads = names.map(
    ([name, kind]) => `${name}: ${plain(kind) ? `from.${kind}()` : `lists.${kind}(from)`}`,
  );
  writers[number] = new Function(
    "lists",
    `return (fact, to) => { to.byte(${number}); ${writes.join("; ")} }`,
  )({
    lines: writeLines,
    asked: writeAsked,
    shares: writeShares,
    parts: writeParts,
    bytes: writeBytes,
  });
  readers[number] = new Function("lists", `return (from) => ({ type: ${number}, ${reads.join(", ")} })`)({
    lines: readLines,
    asked: readAsked,
    shares: readShares,
    parts: readParts,
    bytes: readBytes,
  });
}

/** Appends one fact. */
export function writeFact(fact: Fact, to: ByteWriter): void {
  writers[fact.type]!(fact, to);
}

/** Begins a turn. `previousTime` is 0 for the first turn of a group. */
export function writeTurn(time: number, previousTime: number, to: ByteWriter): void {
  to.byte(turnMark);
  to.uint(time - previousTime);
}

/** Called for every fact of a body, in order. `time` is that of its turn, in microseconds. */
export type FactVisitor = (fact: Fact, time: number, position: number) => void;

/**
 * Reads a group's body. Throws `RangeError` on bytes that are not facts: the hash chain has already proven that they
 * are the bytes that were written, so this means a log of a newer build.
 * @returns the position after the last fact
 */
export function readFacts(body: Uint8Array, firstPosition: number, visit: FactVisitor): number {
  const from = new ByteReader(body);
  let time = 0;
  let position = firstPosition;
  while (!from.atEnd) {
    const number = from.byte();
    if (number === turnMark) {
      time += from.uint();
      continue;
    }
    const reader = readers[number];
    if (!reader)
      throw new RangeError(`position ${position}: fact number ${number} is not known to this build`);
    visit(reader(from), time, position++);
  }
  return position;
}

function plain(kind: string): boolean {
  return kind === "uint" || kind === "units" || kind === "text";
}

function writeLines(to: ByteWriter, lines: readonly Line[]): void {
  to.uint(lines.length);
  for (const line of lines) {
    to.uint(line.product);
    to.uint(line.qty);
    to.uint(line.unitPrice);
  }
}

function writeAsked(to: ByteWriter, lines: readonly RequestedLine[]): void {
  to.uint(lines.length);
  for (const line of lines) {
    to.text(line.productId);
    to.uint(line.qty);
  }
}

function writeShares(to: ByteWriter, shares: readonly LineShare[]): void {
  to.uint(shares.length);
  for (const share of shares) {
    to.uint(share.line);
    to.uint(share.qty);
    to.uint(share.amount);
  }
}

function writeParts(to: ByteWriter, parts: readonly PartShare[]): void {
  to.uint(parts.length);
  for (const part of parts) {
    to.text(part.extra);
    to.text(part.name);
    to.uint(part.amount);
    to.uint(part.tax);
  }
}

function writeBytes(to: ByteWriter, bytes: Uint8Array): void {
  to.uint(bytes.length);
  to.raw(bytes);
}

function readLines(from: ByteReader): Line[] {
  const lines: Line[] = [];
  for (let left = from.uint(); left > 0; left--) {
    lines.push({ product: from.uint(), qty: from.uint(), unitPrice: from.uint() });
  }
  return lines;
}

function readAsked(from: ByteReader): RequestedLine[] {
  const lines: RequestedLine[] = [];
  for (let left = from.uint(); left > 0; left--) lines.push({ productId: from.text(), qty: from.uint() });
  return lines;
}

function readShares(from: ByteReader): LineShare[] {
  const shares: LineShare[] = [];
  for (let left = from.uint(); left > 0; left--) {
    shares.push({ line: from.uint(), qty: from.uint(), amount: from.uint() });
  }
  return shares;
}

function readParts(from: ByteReader): PartShare[] {
  const parts: PartShare[] = [];
  for (let left = from.uint(); left > 0; left--) {
    parts.push({ extra: from.text(), name: from.text(), amount: from.uint(), tax: from.uint() });
  }
  return parts;
}

function readBytes(from: ByteReader): Uint8Array {
  // A copy, and never a Buffer, which a snapshot would write in another way: a log read back gives the books that wrote it.
  return new Uint8Array(from.raw(from.uint()));
}
