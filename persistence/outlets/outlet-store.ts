/**
 * How far each outlet has come, and what it could not deliver: outlets.db.
 *
 * OUTLET-STORE-1  A cursor moves after the delivery of every event up to it, or in the transaction that puts aside the one that could
 *                 not be delivered. So every event is delivered at least once, or is a dead letter.
 * OUTLET-STORE-2  A dead letter leaves when it was delivered after all, and never otherwise.
 * OUTLET-STORE-3  Any process may look through the dead letters and ask for another attempt while the engine runs; only the engine delivers.
 * OUTLET-STORE-4  The places that outlets begin at are on the disk when `place` returns: what is answered after that, they deliver.
 * OUTLET-STORE-5  The file is one engine's, from its first place on: cursors count the positions of that engine's logs, and in
 *                 another's they would pass over events that nobody was told.
 */

import type Database from "better-sqlite3";
import { OutletNames } from "./outlet-names.js";
import { openOutletDatabase, othersOutlets, readOwner, syncEach } from "./outlet-schema.js";

export interface Letter {
  readonly outlet: string;
  readonly shard: number;
  readonly seq: number;
  readonly type: string;
  /** JSON, as it was to be delivered. */
  readonly event: string;
  readonly attempts: number;
  /** Why the last attempt failed. */
  readonly error: string;
}

export interface DeadLetter extends Letter {
  readonly id: number;
  /** When the last attempt failed. */
  readonly failedAtMs: number;
  /** One more attempt was asked for and has not been made yet. */
  readonly wanted: boolean;
}

export interface Cursor {
  readonly outlet: string;
  readonly shard: number;
  readonly position: number;
}

/** Where an outlet stands when the engine starts. */
export interface Place {
  readonly outlet: string;
  readonly shard: number;
  /** Position behind which it begins when it is new. */
  readonly from: number;
  /** Position of the last fact of the shard. */
  readonly end: number;
}

const letterColumns = `id, outlet, shard, seq, type, event, attempts, error, failed_at_ms AS failedAtMs, wanted`;

export class OutletStore {
  readonly names: OutletNames;
  readonly #db: Database.Database;
  readonly #cursor: Database.Statement;
  readonly #move: Database.Statement;
  readonly #bury: Database.Transaction<(letter: Letter, nowMs: number) => void>;
  readonly #wanted: Database.Statement;

  /** Throws when the file cannot be used. With `existing` it is not made when it is missing. */
  constructor(file: string, existing = false) {
    const db = openOutletDatabase(file, existing);
    this.#db = db;
    this.names = new OutletNames(db);
    this.#cursor = db.prepare("SELECT position FROM cursors WHERE outlet = ? AND shard = ?").pluck();
    this.#move = db.prepare("UPDATE cursors SET position = ? WHERE outlet = ? AND shard = ?");
    this.#wanted = db.prepare(
      `SELECT ${letterColumns} FROM dead_letters WHERE outlet = ? AND wanted = 1 ORDER BY id LIMIT 1`,
    );
    // Delivered again after a crash or a restored backup, an event may fail again: it is still one letter.
    const insert = db.prepare(
      `INSERT INTO dead_letters (outlet, shard, seq, type, event, attempts, error, failed_at_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET type = excluded.type, event = excluded.event,
       attempts = attempts + excluded.attempts, error = excluded.error, failed_at_ms = excluded.failed_at_ms`,
    );
    this.#bury = db.transaction(({ outlet, shard, seq, type, event, attempts, error }, nowMs) => {
      insert.run(outlet, shard, seq, type, event, attempts, error, nowMs);
      this.#move.run(seq, outlet, shard);
    });
  }

  /**
   * An outlet that was never seen begins behind `from`; one that stands behind `end`, where its log ends, goes on there. The places
   * that were past their end, as they were. `engine`: whose logs they are, undefined in memory. Throws `FolderRefused`.
   */
  place(places: readonly Place[], engine?: string): Cursor[] {
    const begin = this.#db.prepare("INSERT OR IGNORE INTO cursors VALUES (?, ?, ?)");
    const cut: Cursor[] = [];
    const placeAll = this.#db.transaction(() => {
      if (engine !== undefined) this.#claim(engine);
      for (const { outlet, shard, from, end } of places) {
        begin.run(outlet, shard, from);
        const position = this.cursor(outlet, shard);
        if (position <= end) continue;
        this.moved(outlet, shard, end);
        cut.push({ outlet, shard, position });
      }
    });
    syncEach(this.#db, () => placeAll.immediate());
    return cut;
  }

  /** The engine whose outlets these are; undefined in files of before. */
  owner(): string | undefined {
    return readOwner(this.#db);
  }

  #claim(engine: string): void {
    const owner = this.owner();
    if (owner === undefined) this.#db.prepare("INSERT INTO engine VALUES (?)").run(engine);
    else if (owner !== engine) throw othersOutlets(this.#db.name, owner, engine);
  }

  /** Where the outlet goes on; it has begun. */
  cursor(outlet: string, shard: number): number {
    return this.#cursor.get(outlet, shard) as number;
  }

  /** Everything up to `position` was delivered. */
  moved(outlet: string, shard: number, position: number): void {
    this.#move.run(position, outlet, shard);
  }

  /** Puts an event aside and moves on. */
  bury(letter: Letter, nowMs: number): void {
    this.#bury.immediate(letter, nowMs);
  }

  /** The oldest letter of the outlet that somebody wants to be tried again. */
  wanted(outlet: string): DeadLetter | undefined {
    const row = this.#wanted.get(outlet) as DeadLetterRow | undefined;
    return row && letterOf(row);
  }

  /** It was delivered after all. */
  delivered(id: number): void {
    this.#db.prepare("DELETE FROM dead_letters WHERE id = ?").run(id);
  }

  failedAgain(id: number, error: string, nowMs: number): void {
    this.#db
      .prepare(
        `UPDATE dead_letters SET wanted = 0, attempts = attempts + 1, error = ?, failed_at_ms = ? WHERE id = ?`,
      )
      .run(error, nowMs, id);
  }

  dead(outlet: string): number {
    return this.#db
      .prepare("SELECT count(*) FROM dead_letters WHERE outlet = ?")
      .pluck()
      .get(outlet) as number;
  }

  /** All of them, oldest first. */
  letters(): DeadLetter[] {
    const rows = this.#db.prepare(`SELECT ${letterColumns} FROM dead_letters ORDER BY id`).all();
    return (rows as DeadLetterRow[]).map(letterOf);
  }

  /** Asks for another attempt at one letter, or at all; how many there were. */
  want(id: number | "all"): number {
    const update = "UPDATE dead_letters SET wanted = 1";
    if (id === "all") return this.#db.prepare(update).run().changes;
    return this.#db.prepare(`${update} WHERE id = ?`).run(id).changes;
  }

  cursors(): Cursor[] {
    return this.#db
      .prepare("SELECT outlet, shard, position FROM cursors ORDER BY outlet, shard")
      .all() as Cursor[];
  }

  close(): void {
    this.#db.close();
  }
}

type DeadLetterRow = Omit<DeadLetter, "wanted"> & { readonly wanted: number };

function letterOf(row: DeadLetterRow): DeadLetter {
  return { ...row, wanted: row.wanted === 1 };
}
