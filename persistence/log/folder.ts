/**
 * Names in a folder that survive a power loss. fsync of a file makes its bytes durable, not its name: the
 * folder has to be fsynced as well, and so has the folder above when the folder itself is new.
 *
 * What is made here is for its owner alone: buyers' names and orders are in every file. SQLite gives a -wal and a -shm the
 * rights of their main file, so those are made here too, empty, before SQLite opens them.
 */

import {
  closeSync,
  fdatasyncSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, resolve } from "node:path";
import { storageError } from "./storage-error.js";

export const folderMode = 0o700;
export const fileMode = 0o600;

/** Makes creations, renames and removals in the folder durable. */
export function syncFolder(folder: string): void {
  const fd = openSync(folder, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Creates the folder and those above it, durably. Does nothing when it is there. */
export function createFolder(folder: string): void {
  const firstCreated = mkdirSync(folder, { recursive: true, mode: folderMode });
  if (firstCreated === undefined) return;
  const top = dirname(resolve(firstCreated));
  for (let above = dirname(resolve(folder)); ; above = dirname(above)) {
    syncFolder(above);
    if (above === top || above === dirname(above)) return;
  }
}

/** A file that is either absent or whole: written under a temporary name, fsynced, renamed. */
export function createFileDurably(file: string, content: Uint8Array): void {
  beginFile(file, content);
  nameFile(file);
}

/** What a file is written as before it has its name. */
export function unnamed(file: string): string {
  return `${file}.new`;
}

/** The first half of `createFileDurably`: the content is durable; its temporary name is when the folder is synced. */
export function beginFile(file: string, content: Uint8Array): void {
  const fd = openSync(unnamed(file), "w", fileMode);
  try {
    writeFully(fd, content, 0);
    fdatasyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** The second half. */
export function nameFile(file: string): void {
  renameSync(unnamed(file), file);
  syncFolder(dirname(file));
}

/** For SQLite to open; nothing is touched, and no descriptor is opened, when there is one. */
export function createEmptyFile(file: string): void {
  try {
    closeSync(openSync(file, "wx", fileMode));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw storageError(file, "written", error);
  }
}

/** The file that a name led to. */
export interface Place {
  readonly file: string;
  readonly inode: number;
  readonly device: number;
}

const mayBeMissing = { throwIfNoEntry: false } as const;

export function placeOf(file: string): Place {
  const { ino: inode, dev: device } = statSync(file);
  return { file, inode, device };
}

/** Whether the name still leads there: not when the file, or a folder above it, was removed, renamed or replaced. 2 microseconds. */
export function isAt({ file, inode, device }: Place): boolean {
  const found = statSync(file, mayBeMissing);
  return found !== undefined && found.ino === inode && found.dev === device;
}

/** write(2) may write less than it was asked to (a nearly full disk); this writes all or throws. */
export function writeFully(fd: number, content: Uint8Array, offset: number): void {
  let done = 0;
  while (done < content.length) {
    done += writeSync(fd, content, done, content.length - done, offset + done);
  }
}
