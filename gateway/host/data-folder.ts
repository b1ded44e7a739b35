/**
 * What lies where in an engine's folder, and whether it is all there and all of one engine:
 *
 *   data/
 *     lock.db      held by the engine that works here
 *     yifen.json   which engine's folder it is and how many shards it has: a copy of what every log says
 *     token.key    the secret that proves issued tokens, behind the engine that issued them
 *     read.db      the read side, rebuildable
 *     outlets.db   how far the outlets have come, and what they could not deliver
 *     shard-0/     lock, log, anchor, snapshots
 *     shard-1/ ...
 *
 * DATA-FOLDER-1  Whoever looks at a folder comes through `readDataFolder` or `openDataFolder` (folder-start), so all refuse the same things.
 * DATA-FOLDER-2  Nothing is mended here: a file that is missing or of another engine says that the folder was not copied or restored whole, and
 *     what else is missing nobody knows but a human. The message names the place, the advice what to do.
 * DATA-FOLDER-3  yifen.json has its name once everything else is there. So a folder that has it is whole, or has lost something.
 */

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { anchorFile } from "../../persistence/log/anchor.js";
import { unnamed } from "../../persistence/log/folder.js";
import { type LogIdentity, nameOf } from "../../persistence/log/identity.js";
import { logIdentity } from "../../persistence/log/log-reader.js";
import {
  FolderRefused,
  newerVersionNeeded,
  storageError,
  whileUsing,
} from "../../persistence/log/storage-error.js";
import { BadConfig } from "./config.js";

export interface DataFolder {
  readonly folder: string;
  readonly shards: number;
  /** Undefined until a folder of before there was one is taken over, by the first start of an engine. */
  readonly engine: string | undefined;
}

/** What yifen.json says. Format 1 is of before engines had a name. */
export interface Manifest {
  readonly format: 1 | 2;
  readonly engine: string | undefined;
  readonly shards: number;
}

const formatNewest = 2;
const shardsMax = 1024;

export function shardFolder(folder: string, shard: number): string {
  return join(folder, `shard-${shard}`);
}

export function manifestFile(folder: string): string {
  return join(folder, "yifen.json");
}

export function tokenFile(folder: string): string {
  return join(folder, "token.key");
}

export function outletsFile(folder: string): string {
  return join(folder, "outlets.db");
}

export function manifestText(engine: string, shards: number): string {
  return `${JSON.stringify({ format: formatNewest, engine, shards })}\n`;
}

/**
 * A folder that an engine was started on, to look into: it may be running. Throws `BadConfig` when there is none, `FolderRefused` when
 * it is not whole, or not of one engine, or of a newer version, `StorageUnavailable`, `LogDamaged`.
 */
export function readDataFolder(folder: string): DataFolder {
  if (!isFolder(folder))
    throw new BadConfig(`--data ${folder}: there is no engine's data here (it is missing)`);
  const manifest = readManifest(folder);
  if (!manifest) throw withoutManifest(folder);
  const engine = checkLogs(folder, manifest);
  readTokenKey(folder, manifest);
  return { folder, shards: manifest.shards, engine };
}

/** False when there is nothing of that name. Throws `BadConfig` when it is something else. */
export function isFolder(folder: string): boolean {
  const found = whilePath(folder, "read", () => statSync(folder, { throwIfNoEntry: false }));
  if (found && !found.isDirectory()) throw new BadConfig(`--data ${folder}: this is a file, not a folder`);
  return found !== undefined;
}

/** What the system says of a path that can never be that of a folder. */
const noPath: ReadonlySet<string> = new Set([
  "ENOTDIR",
  "EEXIST",
  "ELOOP",
  "ENAMETOOLONG",
  "ENOENT",
  "EINVAL",
]);

/** Throws `BadConfig` when it is what was given that is wrong. */
export function whilePath<T>(folder: string, doing: "read" | "written", work: () => T): T {
  try {
    return work();
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException;
    if (noPath.has(code)) throw new BadConfig(`--data ${folder}: this can be no folder: ${message}`);
    throw storageError(folder, doing, error);
  }
}

/** Undefined when there is none. Throws `FolderRefused` for one that is not what was written there. */
export function readManifest(folder: string): Manifest | undefined {
  const file = manifestFile(folder);
  const text = textOf(file);
  if (text === undefined) return undefined;
  const manifest = parseManifest(text, file);
  if (typeof manifest !== "string") return manifest;
  throw new FolderRefused(file, manifest, restoreManifest(folder));
}

/** What it says, or what is wrong with it. Throws `FolderRefused` for a newer format. */
export function parseManifest(text: string, file: string): Manifest | string {
  if (text.trim() === "") return "it is empty";
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return "it is not JSON";
  }
  if (typeof parsed !== "object" || parsed === null) return "it is not a JSON object";
  const { format, engine, shards } = parsed as Record<string, unknown>;
  if (typeof format === "number" && format > formatNewest) {
    throw new FolderRefused(file, `its format ${format} is newer than this version`, newerVersionNeeded);
  }
  if (format !== 1 && format !== 2) return `its format is ${JSON.stringify(format) ?? "missing"}, not 1 or 2`;
  if (!Number.isInteger(shards) || (shards as number) < 1 || (shards as number) > shardsMax) {
    return `its number of shards is ${JSON.stringify(shards) ?? "missing"}`;
  }
  if (format === 1) return { format, engine: undefined, shards: shards as number };
  if (typeof engine !== "string" || !/^[0-9a-f]{32}$/.test(engine)) return "it does not name an engine";
  return { format, engine, shards: shards as number };
}

/** The secret; undefined when a folder of before has none yet. Throws `FolderRefused`. */
export function readTokenKey(folder: string, { format, engine }: Manifest): string | undefined {
  const file = tokenFile(folder);
  const text = textOf(file);
  if (text === undefined && format === 1) return undefined;
  const [, owner, secret] = /^(?:([0-9a-f]{32}):)?([0-9a-f]{64})$/.exec(text?.trim() ?? "") ?? [];
  const wrong = () => {
    if (text === undefined) return "it is missing";
    if (text.trim() === "") return "it is empty";
    if (secret === undefined) return "it is not what was written there";
    if (format === 2 && owner === undefined) return "it does not say which engine it is of";
    if (format === 2 && owner !== engine) return `it is of engine ${owner}, the folder of engine ${engine}`;
    return undefined;
  };
  const what = wrong();
  if (what === undefined) return secret;
  const line = engine === undefined ? "$(openssl rand -hex 32)" : `${engine}:$(openssl rand -hex 32)`;
  throw new FolderRefused(
    file,
    what,
    `restore it from a backup; or make a new one, and tokens that were issued and not used yet become unknown: (umask 077; echo "${line}" > ${file})`,
  );
}

/**
 * That every shard's log is there, in its own place, and nothing else. The name of the engine, which a folder of before may have in
 * some of its logs. With `unfinished` logs may be missing.
 */
export function checkLogs(folder: string, manifest: Manifest, unfinished = false): string | undefined {
  const { shards } = manifest;
  const logs = Array.from({ length: shards }, (_, shard) => identityIn(folder, shard));
  const engine = manifest.engine ?? logs.find((found) => found)?.engine;
  checkManifest(folder, manifest, logs);
  for (const [shard, found] of logs.entries()) {
    const own = shardFolder(folder, shard);
    if (found === undefined) {
      if (unfinished) continue;
      checkOldLog(own, manifest);
    } else if (found.shard !== shard || found.engine !== engine || found.shards !== shards) {
      const wanted = nameOf({ engine: engine!, shard, shards });
      const swapped = found.engine === engine && found.shards === shards;
      throw new FolderRefused(
        own,
        `it holds ${nameOf(found)}, and ${wanted} belongs here`,
        swapped ? `give it the name shard-${found.shard}, and each other its own` : restoreShard,
      );
    }
  }
  const surplus = shardsFound(folder).find((shard) => shard >= shards);
  if (surplus === undefined || unfinished) return engine;
  throw new FolderRefused(
    manifestFile(folder),
    `it says ${shards === 1 ? "1 shard" : `${shards} shards`}, and there is shard-${surplus}`,
    restoreManifest(folder),
  );
}

const restoreShard = "restore the folder of this shard from a backup that was made together with the others";

function identityIn(folder: string, shard: number): LogIdentity | undefined {
  const own = shardFolder(folder, shard);
  return existsSync(own) ? logIdentity(own) : undefined;
}

/** For an advice, which must not hide what is wrong behind something else that is. */
function identityIfReadable(folder: string, shard: number): LogIdentity | undefined {
  try {
    return identityIn(folder, shard);
  } catch {
    return undefined;
  }
}

/** When all logs agree with each other and not with the file, it is the file that is wrong. */
function checkManifest(
  folder: string,
  { engine, shards }: Manifest,
  logs: readonly (LogIdentity | undefined)[],
): void {
  const known = logs.filter((found) => found !== undefined);
  const [first] = known;
  if (!first || known.some((found) => found.engine !== first.engine || found.shards !== first.shards)) return;
  if (first.shards === shards && (engine === undefined || first.engine === engine)) return;
  const says = engine === undefined || engine === first.engine ? `${shards} shards` : `engine ${engine}`;
  throw new FolderRefused(
    manifestFile(folder),
    `it says ${says}, and the logs are of engine ${first.engine} with ${first.shards}`,
    restoreManifest(folder),
  );
}

/** A log that does not say whose it is: right in a folder of before, if it is there. */
function checkOldLog(own: string, { format }: Manifest): void {
  if (!existsSync(own)) throw new FolderRefused(own, "it is missing", restoreShard);
  if (format === 2) throw new FolderRefused(own, "its log does not say whose it is", restoreShard);
  if (existsSync(anchorFile(own))) return;
  throw new FolderRefused(
    anchorFile(own),
    "it is missing",
    `${restoreShard}; if this engine has never answered anybody, remove the data folder and start anew`,
  );
}

/** There is no yifen.json: because nothing is here, or because it was lost. */
export function withoutManifest(folder: string): Error {
  const file = manifestFile(folder);
  if (traces(folder).length > 0 && !existsSync(unnamed(file))) {
    return new FolderRefused(file, "it is missing, and an engine's data is here", restoreManifest(folder));
  }
  return new BadConfig(`--data ${folder}: there is no engine's data here (${file} is missing)`);
}

/** Files of an engine that are not made before yifen.json has been begun. */
export function traces(folder: string): string[] {
  return namesIn(folder).filter((name) => /^(shard-\d+|token\.key|read\.db|outlets\.db)$/.test(name));
}

export function namesIn(folder: string): string[] {
  return whileUsing(folder, "read", () => readdirSync(folder));
}

function shardsFound(folder: string): number[] {
  return namesIn(folder).flatMap((name) => {
    const match = /^shard-(\d{1,4})$/.exec(name);
    return match ? [Number(match[1])] : [];
  });
}

/** How yifen.json can be had again. The logs know what was in it, if they are not of before. */
function restoreManifest(folder: string): string {
  const known = shardsFound(folder).flatMap((shard) => identityIfReadable(folder, shard) ?? []);
  const [first] = known;
  const backup = "restore it from a backup that was made together with the logs";
  if (!first) return `${backup}; it is {"format":1,"shards":N}, where N is what the engine was made with`;
  if (known.some(({ engine, shards }) => engine !== first.engine || shards !== first.shards)) return backup;
  const line = manifestText(first.engine, first.shards).trim();
  return `${backup}; if nothing else is missing here: (umask 077; echo '${line}' > ${manifestFile(folder)})`;
}

function textOf(file: string): string | undefined {
  if (!whileUsing(file, "read", () => statSync(file, { throwIfNoEntry: false }))) return undefined;
  return whileUsing(file, "read", () => readFileSync(file, "utf8"));
}
