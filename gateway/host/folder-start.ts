/**
 * A folder as an engine begins on it: taken, looked through, made when it is new, taken over when it is of before.
 *
 *   lock.db ──▶ yifen.json.new ──▶ shard-N/ with its lock and anchor ──▶ token.key ──▶ yifen.json
 *    held         begun                        by whoever opens the logs              complete
 *
 * FOLDER-START-1  Nothing but the folder and the file that is locked is made before the lock is held.
 * FOLDER-START-2  A process may die between any two steps. Until yifen.json has its name nobody was answered, and the next start goes on with
 *     the engine and the number of shards that yifen.json.new names; one that is not whole was not gone beyond.
 * FOLDER-START-3  A folder of before is taken over in the same order: the logs first, then token.key, then yifen.json. What has been taken over
 *     names the engine, and the next start takes over the rest in that name.
 */

import { randomBytes } from "node:crypto";
import { accessSync, constants, existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import {
  beginFile,
  createFileDurably,
  createFolder,
  nameFile,
  type Place,
  syncFolder,
  unnamed,
} from "../../persistence/log/folder.js";
import type { LogIdentity } from "../../persistence/log/identity.js";
import { lockFolder } from "../../persistence/log/lock.js";
import { listSegments } from "../../persistence/log/segments.js";
import { FolderRefused, whileUsing } from "../../persistence/log/storage-error.js";
import { othersOutlets, outletsOwner } from "../../persistence/outlets/outlet-schema.js";
import { BadConfig } from "./config.js";
import {
  checkLogs,
  isFolder,
  type Manifest,
  manifestFile,
  manifestText,
  namesIn,
  outletsFile,
  parseManifest,
  readManifest,
  readTokenKey,
  shardFolder,
  tokenFile,
  traces,
  whilePath,
  withoutManifest,
} from "./data-folder.js";

export interface OpenedFolder {
  /** By shard. */
  readonly identities: readonly LogIdentity[];
  readonly tokenSecret: string;
  /** Of the lock. */
  readonly place: Place;
  /** To be called when every log is open: from now on the folder is whole. Throws `StorageUnavailable`. */
  complete(): void;
  release(): void;
}

/**
 * Takes the folder for an engine with so many shards. `say` gets what the operator should know. Throws `FolderInUse`, `BadConfig`,
 * `FolderRefused`, `StorageUnavailable`.
 */
export function openDataFolder(folder: string, shards: number, say: (line: string) => void): OpenedFolder {
  if (!isFolder(folder))
    whilePath(folder, "written", () => {
      // Node says ENOENT of what it may not make on a read-only file system.
      accessSync(nearestThere(folder), constants.W_OK);
      createFolder(folder);
    });
  checkForeign(folder);
  // It never changes, so it can be said while another engine works here.
  checkShards(folder, readManifest(folder), shards);
  const lock = lockFolder(folder);
  try {
    const { identities, tokenSecret, complete } = begin(folder, shards, say);
    checkOutlets(folder, identities[0]!.engine);
    tellWider(folder, say);
    return { identities, tokenSecret, complete, place: lock.place, release: () => lock.release() };
  } catch (error) {
    lock.release();
    throw error;
  }
}

function checkShards(folder: string, made: Manifest | undefined, shards: number): void {
  if (!made || made.shards === shards) return;
  throw new BadConfig(
    `--shards ${shards}: ${folder} was made with ${made.shards}, which never changes: --shards ${made.shards}`,
  );
}

type Begun = Omit<OpenedFolder, "place" | "release">;

function begin(folder: string, shards: number, say: (line: string) => void): Begun {
  const manifest = readManifest(folder);
  if (!manifest) return beginNew(folder, shards);
  checkShards(folder, manifest, shards);
  const found = checkLogs(folder, manifest);
  const secret = readTokenKey(folder, manifest);
  if (manifest.format === 1) return takeOver(folder, shards, found, secret, say);
  return { identities: identitiesOf(manifest.engine!, shards), tokenSecret: secret!, complete() {} };
}

/** A new folder, or one whose first start died on the way (FOLDER-START-2). */
function beginNew(folder: string, shards: number): Begun {
  const begun = readBegun(folder);
  if (!begun && traces(folder).length > 0) throw withoutManifest(folder);
  if (begun && begun.shards !== shards) {
    throw new BadConfig(
      `--shards ${shards}: the first start on ${folder} was with ${begun.shards} and did not end: --shards ${begun.shards}, or remove the folder`,
    );
  }
  const engine = begun?.engine ?? newEngine();
  const file = manifestFile(folder);
  if (!begun) {
    whileUsing(file, "written", () => beginFile(file, Buffer.from(manifestText(engine, shards))));
    whileUsing(file, "written", () => syncFolder(folder));
  } else {
    checkLogs(folder, begun, true);
  }
  const kept = begun && existsSync(tokenFile(folder)) ? readTokenKey(folder, begun) : undefined;
  const tokenSecret = kept ?? newSecret();
  const complete = () => {
    if (kept === undefined) writeTokenKey(folder, engine, tokenSecret);
    whileUsing(file, "written", () => nameFile(file));
  };
  return { identities: identitiesOf(engine, shards), tokenSecret, complete };
}

/** What the first start on a folder began with; undefined when it did not come so far. */
function readBegun(folder: string): Manifest | undefined {
  const file = unnamed(manifestFile(folder));
  if (!existsSync(file)) return undefined;
  const found = parseManifest(
    whileUsing(file, "read", () => readFileSync(file, "utf8")),
    file,
  );
  if (typeof found === "string" || found.format !== 2) return undefined;
  // No log has a group before yifen.json has its name.
  for (let shard = 0; shard < found.shards; shard++) {
    const own = shardFolder(folder, shard);
    if (existsSync(own) && listSegments(own).length > 0) throw lostItsName(folder);
  }
  return found;
}

function lostItsName(folder: string): FolderRefused {
  const file = manifestFile(folder);
  return new FolderRefused(
    file,
    "it is missing, and the logs hold what was answered",
    `if nothing else is missing here: mv ${unnamed(file)} ${file}`,
  );
}

/** FOLDER-START-3. */
function takeOver(
  folder: string,
  shards: number,
  found: string | undefined,
  secret: string | undefined,
  say: (line: string) => void,
): Begun {
  const file = manifestFile(folder);
  const engine = found ?? tokenOwner(folder) ?? newEngine();
  const tokenSecret = secret ?? newSecret();
  const complete = () => {
    writeTokenKey(folder, engine, tokenSecret);
    whileUsing(file, "written", () => createFileDurably(file, Buffer.from(manifestText(engine, shards))));
    say(`${folder} was made by an older version and is taken over: engine ${engine}`);
  };
  return { identities: identitiesOf(engine, shards), tokenSecret, complete };
}

function tokenOwner(folder: string): string | undefined {
  const file = tokenFile(folder);
  if (!existsSync(file)) return undefined;
  return /^([0-9a-f]{32}):/.exec(whileUsing(file, "read", () => readFileSync(file, "utf8")))?.[1];
}

function writeTokenKey(folder: string, engine: string, secret: string): void {
  const file = tokenFile(folder);
  whileUsing(file, "written", () => createFileDurably(file, Buffer.from(`${engine}:${secret}\n`)));
}

function identitiesOf(engine: string, shards: number): LogIdentity[] {
  return Array.from({ length: shards }, (_, shard) => ({ engine, shard, shards }));
}

function newEngine(): string {
  return randomBytes(16).toString("hex");
}

export function newSecret(): string {
  return randomBytes(32).toString("hex");
}

/** What else may lie in a folder that an engine begins on: of the file system, and hidden. */
const harmless = /^(\.|lost\+found$)/;

/** Before anything is made in it, the lock included: that it is ours to write, and that it is not somebody's for other things. */
function checkForeign(folder: string): void {
  const { R_OK, W_OK, X_OK } = constants;
  whileUsing(folder, "written", () => accessSync(folder, R_OK | W_OK | X_OK));
  const names = namesIn(folder);
  const ours = names.some((name) => /^(yifen\.json|shard-0)/.test(name));
  const others = names.filter((name) => name !== "lock.db" && !harmless.test(name));
  if (!ours && others.length > 0 && traces(folder).length === 0) {
    throw new FolderRefused(
      folder,
      `it is no engine's, and not empty: ${others.slice(0, 3).join(", ")}${others.length > 3 ? ", ..." : ""}`,
      "choose an empty folder, or one that does not exist yet",
    );
  }
  const user = process.getuid?.();
  const owner = statSync(manifestFile(folder), { throwIfNoEntry: false })?.uid;
  if (owner !== undefined && user !== undefined && user !== owner) {
    throw new FolderRefused(
      folder,
      `its engine is user ${owner}'s, who could not open what this process makes here as user ${user}`,
      `run as user ${owner}, or give the folder away: chown -R ${user} ${folder}`,
    );
  }
}

/** That the cursors of the outlets are of these logs, also when there are no outlets now. */
export function checkOutlets(folder: string, engine: string): void {
  const file = outletsFile(folder);
  const owner = existsSync(file) ? outletsOwner(file) : undefined;
  if (owner !== undefined && owner !== engine) throw othersOutlets(file, owner, engine);
}

/** The folder above that there is. */
function nearestThere(path: string): string {
  const above = dirname(resolve(path));
  return existsSync(above) || above === dirname(above) ? above : nearestThere(above);
}

/** Told and not refused: an operator may have reasons. */
function tellWider(folder: string, say: (line: string) => void): void {
  const names = namesIn(folder);
  const inShards = names
    .filter((name) => /^shard-\d+$/.test(name))
    .flatMap((name) => contentsOf(folder, name));
  const wider = [".", ...names, ...inShards].filter((name) => isWider(join(folder, name)));
  if (wider.length === 0) return;
  say(
    `${folder}: other users of this machine may read or write ${wider.length} of its files, ${wider[0]} for one: chmod -R go= ${folder}`,
  );
}

function contentsOf(folder: string, name: string): string[] {
  return namesIn(join(folder, name)).map((each) => join(name, each));
}

function isWider(file: string): boolean {
  const found = statSync(file, { throwIfNoEntry: false });
  return found !== undefined && (found.mode & 0o077) !== 0;
}
