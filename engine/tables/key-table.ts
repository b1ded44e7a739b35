/**
 * Exactly once: what became of every request that carried a key.
 *
 * An entry is found by (space, subject, key): an order's key belongs to an account, a deposit's ref to an account, a restock's
 * ref to a product. Entries stand in the order in which they were completed; the oldest are dropped first.
 *
 *      index   from the hash of all three to the entry                     see `hash-index`
 *      rows    one row of numbers per entry                                see `rows`
 *      arena   the key's characters, a byte each, 1 MiB a piece
 *      text    JSON of refusals, of results that are not an order, and of what stands beside the order in a result
 *
 * KEY-TABLE-1  A key is found from the moment its fact is applied until it is dropped, and never twice.
 * KEY-TABLE-2  The result of an entry never changes once it is done.
 */

import { HashIndex, hashText } from "./hash-index.js";
import { Rows } from "./rows.js";

/** Code of an entry whose request is still running, in the place of a number of `results`. */
export const running = 255;

/** In the place of an order's status: it was completed, and its after-sale window was over. */
export const closedStatus = 64;

/** Which names a key can stand under. */
export const spaces = { order: 0, money: 1, stock: 2, payment: 3 } as const;

/** Fields of a row. */
const subjectAt = 0;
const hashAt = 1;
const methodAt = 2;
const paramsAt = 3;
const atAt = 4;
const doneAtAt = 5;
const codeAt = 6;
const orderAt = 7;
const statusAt = 8;
const versionAt = 9;
const paidAt = 10;
const refundedAt = 11;
const arenaAt = 12;
const lengthAt = 13;
const stride = 14;

const arenaBytes = 1 << 20;

/** What is kept of a request. `text` is "" unless the result is JSON. The order's figures are as they were then. */
export interface KeptResult {
  space: number;
  subject: number;
  key: string;
  method: number;
  paramsHash: number;
  /** ms, as the caller said. */
  at: number;
  /** ms of the engine's time, without the jumps of its clock (`Turn.runningMs`). */
  doneAt: number;
  /** 0 = success, `running`, else a number of `results`. */
  code: number;
  order: number;
  /** A number of a status, or `closedStatus`. */
  orderStatus: number;
  orderVersion: number;
  orderPaid: number;
  orderRefunded: number;
  text: string;
}

export class KeyTable {
  readonly rows = new Rows(stride);
  readonly #index = new HashIndex();
  #arena: (Uint8Array | undefined)[] = [];
  /** First piece that is still needed. */
  #arenaStart = 0;
  #arenaEnd = 0;
  #text = new Map<number, string>();
  #hashedKey = "";
  #hashedSubject = -1;
  #hashedSpace = -1;
  #hash = 0;

  readonly #bySpace = [0, 0, 0, 0];

  get count(): number {
    return this.rows.end - this.rows.start;
  }

  countOf(space: number): number {
    return this.#bySpace[space]!;
  }

  /** Entry of a key, or -1. */
  find(space: number, subject: number, key: string): number {
    return this.#find(space, subject, keptKey(space, key));
  }

  #find(space: number, subject: number, key: string): number {
    const { start } = this.rows;
    for (let low = this.#index.first(this.#hashOf(space, subject, key)); low >= 0; low = this.#index.next()) {
      // Fewer than 2^32 entries are kept at once, so the low bits say which it is.
      const entry = start + ((low - start) >>> 0);
      if (this.#matches(entry, space, subject, key)) return entry;
    }
    return -1;
  }

  code(entry: number): number {
    return this.rows.get(entry, codeAt);
  }

  paramsHash(entry: number): number {
    return this.rows.get(entry, paramsAt);
  }

  order(entry: number): number {
    return this.rows.get(entry, orderAt);
  }

  read(entry: number): KeptResult {
    const rows = this.rows;
    const subject = rows.get(entry, subjectAt);
    const space = Math.floor(subject / 0x100000000);
    return {
      space,
      subject: subject % 0x100000000,
      key: keyKept(space, this.#keyOf(entry)),
      method: rows.get(entry, methodAt),
      paramsHash: rows.get(entry, paramsAt),
      at: rows.get(entry, atAt),
      doneAt: rows.get(entry, doneAtAt),
      code: rows.get(entry, codeAt),
      order: rows.get(entry, orderAt),
      orderStatus: rows.get(entry, statusAt),
      orderVersion: rows.get(entry, versionAt),
      orderPaid: rows.get(entry, paidAt),
      orderRefunded: rows.get(entry, refundedAt),
      text: this.#text.get(entry) ?? "",
    };
  }

  /** Keeps a result. A key that is still running is completed in place; any other must be new, and then it says true. */
  keep(result: KeptResult): boolean {
    const key = keptKey(result.space, result.key);
    let entry = this.#find(result.space, result.subject, key);
    if (entry >= 0 && this.code(entry) !== running) throw new Error(`key ${result.key} is kept twice`);
    const isNew = entry < 0;
    if (isNew) entry = this.#add(result.space, result.subject, key);
    const chunk = this.rows.chunk(entry);
    const at = this.rows.offset(entry);
    chunk[at + methodAt] = result.method;
    chunk[at + paramsAt] = result.paramsHash;
    chunk[at + atAt] = result.at;
    chunk[at + doneAtAt] = result.doneAt;
    chunk[at + codeAt] = result.code;
    chunk[at + orderAt] = result.order;
    chunk[at + statusAt] = result.orderStatus;
    chunk[at + versionAt] = result.orderVersion;
    chunk[at + paidAt] = result.orderPaid;
    chunk[at + refundedAt] = result.orderRefunded;
    if (result.text !== "") this.#text.set(entry, result.text);
    return isNew;
  }

  /** The oldest entry, or undefined. */
  oldest(): KeptResult | undefined {
    return this.count === 0 ? undefined : this.read(this.rows.start);
  }

  doneAt(entry: number): number {
    return this.rows.get(entry, doneAtAt);
  }

  /** Drops the oldest entry. */
  dropOldest(): void {
    const entry = this.rows.start;
    this.#index.remove(this.rows.get(entry, hashAt), entry);
    this.#bySpace[Math.floor(this.rows.get(entry, subjectAt) / 0x100000000)]!--;
    this.#text.delete(entry);
    this.rows.dropBefore(entry + 1);
    const oldestKept = this.count === 0 ? this.#arenaEnd : this.rows.get(entry + 1, arenaAt);
    for (; this.#arenaStart < Math.floor(oldestKept / arenaBytes); this.#arenaStart++) {
      this.#arena[this.#arenaStart] = undefined;
    }
  }

  #add(space: number, subject: number, key: string): number {
    const hash = this.#hashOf(space, subject, key);
    const entry = this.rows.add();
    this.#bySpace[space]!++;
    const chunk = this.rows.chunk(entry);
    const at = this.rows.offset(entry);
    chunk[at + subjectAt] = space * 0x100000000 + subject;
    chunk[at + hashAt] = hash;
    chunk[at + arenaAt] = this.#store(key);
    chunk[at + lengthAt] = key.length;
    this.#index.insert(hash, entry);
    return entry;
  }

  /** A turn asks for the hash of one key three times: looked up, proven new, added. */
  #hashOf(space: number, subject: number, key: string): number {
    if (key !== this.#hashedKey || subject !== this.#hashedSubject || space !== this.#hashedSpace) {
      this.#hashedKey = key;
      this.#hashedSubject = subject;
      this.#hashedSpace = space;
      this.#hash = hashText(key, subject ^ (space << 30));
    }
    return this.#hash;
  }

  #matches(entry: number, space: number, subject: number, key: string): boolean {
    const chunk = this.rows.chunk(entry);
    const at = this.rows.offset(entry);
    if (chunk[at + lengthAt] !== key.length) return false;
    if (chunk[at + subjectAt] !== space * 0x100000000 + subject) return false;
    const start = chunk[at + arenaAt]!;
    const bytes = this.#arena[Math.floor(start / arenaBytes)]!;
    const from = start % arenaBytes;
    for (let i = 0; i < key.length; i++) if (bytes[from + i] !== key.charCodeAt(i)) return false;
    return true;
  }

  #keyOf(entry: number): string {
    const start = this.rows.get(entry, arenaAt);
    const from = start % arenaBytes;
    const bytes = this.#arena[Math.floor(start / arenaBytes)]!;
    return String.fromCharCode(...bytes.subarray(from, from + this.rows.get(entry, lengthAt)));
  }

  /** One byte for each character (`keptKey`); a key never spans two pieces. */
  #store(key: string): number {
    const left = arenaBytes - (this.#arenaEnd % arenaBytes);
    if (left < key.length) this.#arenaEnd += left;
    const piece = Math.floor(this.#arenaEnd / arenaBytes);
    if (!this.#arena[piece]) this.#arena[piece] = new Uint8Array(arenaBytes);
    const bytes = this.#arena[piece];
    const start = this.#arenaEnd;
    const from = start % arenaBytes;
    for (let i = 0; i < key.length; i++) bytes[from + i] = key.charCodeAt(i);
    this.#arenaEnd += key.length;
    return start;
  }

  /** What a snapshot needs: every kept entry, oldest first. The index is rebuilt from it. */
  *entries(): Iterable<KeptResult> {
    for (let entry = this.rows.start; entry < this.rows.end; entry++) yield this.read(entry);
  }
}

/** A key as it stands in the arena. By their schemas all are ASCII but the names of payments: of those the UTF-8, a character a byte. */
function keptKey(space: number, key: string): string {
  return space === spaces.payment ? Buffer.from(key).toString("latin1") : key;
}

function keyKept(space: number, kept: string): string {
  return space === spaces.payment ? Buffer.from(kept, "latin1").toString() : kept;
}
