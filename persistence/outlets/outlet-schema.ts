/**
 * The tables of outlets.db. Names are read again from the log where they are missing; cursors and dead letters stand here alone.
 *
 * OUTLET-SCHEMA-1  Nothing here but where outlets begin is fsynced as it is written (`synchronous = NORMAL`): the disk is the log's,
 *                  and whoever waits for an answer would wait for this too. After a power loss the newest cursors may be older
 *                  than they were, so something is delivered again; a cursor is never newer than what was delivered.
 */

import Database from "better-sqlite3";
import { createEmptyFile } from "../log/folder.js";
import { FolderRefused } from "../log/storage-error.js";

const schemaVersion = 1;

/** How long a write waits for another process that looks through the dead letters. */
const busyMs = 5_000;

const schema = `
-- How far each outlet has delivered the events of each shard.
CREATE TABLE cursors (
  outlet TEXT NOT NULL,
  shard INTEGER NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY (outlet, shard)
) WITHOUT ROWID;

-- Events that were put aside. wanted = 1: a human asked for one more attempt.
CREATE TABLE dead_letters (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  outlet TEXT NOT NULL,
  shard INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  type TEXT NOT NULL,
  event TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  error TEXT NOT NULL,
  failed_at_ms INTEGER NOT NULL,
  wanted INTEGER NOT NULL DEFAULT 0,
  UNIQUE (outlet, shard, seq)
);
CREATE INDEX dead_letters_wanted ON dead_letters (outlet, id) WHERE wanted = 1;

-- How far the names of each shard are known; hash is the chain hash there, NULL for a log without one.
CREATE TABLE named (
  shard INTEGER PRIMARY KEY,
  position INTEGER NOT NULL,
  hash BLOB
);

CREATE TABLE accounts (
  shard INTEGER NOT NULL,
  handle INTEGER NOT NULL,
  id TEXT NOT NULL,
  PRIMARY KEY (shard, handle)
) WITHOUT ROWID;

CREATE TABLE products (
  shard INTEGER NOT NULL,
  handle INTEGER NOT NULL,
  id TEXT NOT NULL,
  currency INTEGER NOT NULL,
  PRIMARY KEY (shard, handle)
) WITHOUT ROWID;

-- A number says by itself on which shard an order or a refund is.
CREATE TABLE orders (
  number INTEGER PRIMARY KEY,
  shard INTEGER NOT NULL,
  account INTEGER NOT NULL,
  currency INTEGER NOT NULL,
  total_minor INTEGER NOT NULL
);

CREATE TABLE refunds (
  number INTEGER PRIMARY KEY,
  shard INTEGER NOT NULL,
  order_number INTEGER NOT NULL,
  account INTEGER NOT NULL,
  currency INTEGER NOT NULL,
  amount_minor INTEGER NOT NULL,
  provider TEXT NOT NULL,
  payment_id TEXT NOT NULL
);

PRAGMA user_version = ${schemaVersion};
`;

/** Files of before had none: their names are read again from the start of the log. */
const currencies = `
CREATE TABLE account_currencies (
  shard INTEGER NOT NULL,
  handle INTEGER NOT NULL,
  currency INTEGER NOT NULL,
  PRIMARY KEY (shard, handle)
) WITHOUT ROWID;
DELETE FROM named; DELETE FROM accounts; DELETE FROM products; DELETE FROM orders; DELETE FROM refunds;
`;

/** Files of before do not say it, and are the first engine's that places its outlets there. */
const owner = "CREATE TABLE engine (name TEXT NOT NULL)";

/** Opens outlets.db; `:memory:` works too. With `existing` it is not made when it is missing. */
export function openOutletDatabase(file: string, existing = false): Database.Database {
  if (!existing && file !== ":memory:") createEmptyFile(file);
  const db = new Database(file, { timeout: busyMs, fileMustExist: existing });
  try {
    if (!db.memory) db.pragma("journal_mode = WAL");
    db.pragma("synchronous = NORMAL");
    const create = db.transaction(() => {
      if (versionOf(db) === 0) db.exec(schema);
      if (versionOf(db) !== schemaVersion) return;
      if (!hasTable(db, "account_currencies")) db.exec(currencies);
      if (!hasTable(db, "engine")) db.exec(owner);
    });
    create.immediate();
    if (versionOf(db) !== schemaVersion) {
      throw new Error(`${file} has the layout of another build (${versionOf(db)}, not ${schemaVersion})`);
    }
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** What `write` commits is on the disk when this returns. */
export function syncEach(db: Database.Database, write: () => void): void {
  db.pragma("synchronous = FULL");
  try {
    write();
  } finally {
    db.pragma("synchronous = NORMAL");
  }
}

/** The engine whose outlets.db this is; undefined when the file does not say it, or cannot be read. */
export function outletsOwner(file: string): string | undefined {
  let db: Database.Database | undefined;
  try {
    db = new Database(file, { timeout: busyMs, fileMustExist: true });
    return readOwner(db);
  } catch {
    return undefined;
  } finally {
    db?.close();
  }
}

export function readOwner(db: Database.Database): string | undefined {
  return db.prepare("SELECT name FROM engine").pluck().get() as string | undefined;
}

/** What whoever opens another engine's outlets.db is told. */
export function othersOutlets(file: string, owner: string, engine: string): FolderRefused {
  return new FolderRefused(
    file,
    `it is of engine ${owner}, the folder of engine ${engine}`,
    "restore it from a backup of this folder; or remove it, and every outlet begins anew, with --outlets-from start at the first event",
  );
}

function hasTable(db: Database.Database, name: string): boolean {
  return db.prepare("SELECT 1 FROM sqlite_schema WHERE name = ?").get(name) !== undefined;
}

function versionOf(db: Database.Database): number {
  return db.pragma("user_version", { simple: true }) as number;
}
