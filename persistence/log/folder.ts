/**
 * Names in a folder that survive a power loss. fsync of a file makes its bytes durable, not its name: the
 * folder has to be fsynced as well, and so has the folder above when the folder itself is new.
 */

import { closeSync, fdatasyncSync, fsyncSync, mkdirSync, openSync, renameSync, writeSync } from "node:fs";
import { dirname, resolve } from "node:path";

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
  const firstCreated = mkdirSync(folder, { recursive: true });
  if (firstCreated === undefined) return;
  const top = dirname(resolve(firstCreated));
  for (let above = dirname(resolve(folder)); ; above = dirname(above)) {
    syncFolder(above);
    if (above === top || above === dirname(above)) return;
  }
}

/** A file that is either absent or whole: written under a temporary name, fsynced, renamed. */
export function createFileDurably(file: string, content: Uint8Array): void {
  const temporary = `${file}.new`;
  const fd = openSync(temporary, "w");
  try {
    writeFully(fd, content, 0);
    fdatasyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, file);
  syncFolder(dirname(file));
}

/** write(2) may write less than it was asked to (a nearly full disk); this writes all or throws. */
export function writeFully(fd: number, content: Uint8Array, offset: number): void {
  let done = 0;
  while (done < content.length) {
    done += writeSync(fd, content, done, content.length - done, offset + done);
  }
}
