/**
 * Events as lines of JSON at the end of a file.
 *
 * EVENT-FILE-1  A line is whole or is not there: what an attempt left half written is cut off by the next one, and by the next start.
 * EVENT-FILE-2  `deliver` resolves when the lines are on the disk, so no cursor is ahead of them after a power loss either.
 * EVENT-FILE-3  A full file is renamed to FILE.1, FILE.2 and so on, the newest with the highest number. None is ever removed.
 */

import { accessSync, constants, existsSync, readdirSync, statSync } from "node:fs";
import { type FileHandle, open, rename } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { createFolder } from "../../persistence/log/folder.js";
import { type EventFileSetup, type Outlet, type OutletEvent, wantsType } from "./outlet.js";

const timeoutMs = 60_000;
const batchMax = 4096;
const newline = 0x0a;

const lineStart = '{"id":"';

/** No line is nearly as long. */
const lineBytesMax = 1 << 20;

/**
 * Why no events can be written to a file, as far as that shows before the first: it is a folder, it may not be written, what it would
 * lie in is a file. Undefined when nothing stands against it. Nothing is made.
 */
export function eventFileProblem(file: string): string | undefined {
  try {
    let place = resolve(file);
    while (!existsSync(place) && place !== dirname(place)) place = dirname(place);
    const isFolder = statSync(place).isDirectory();
    if (place === resolve(file) && isFolder) return "this is a folder, not a file";
    if (place !== resolve(file) && !isFolder) return `${place} is a file, not a folder`;
    accessSync(place, constants.W_OK);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

export function eventFileOutlet(setup: EventFileSetup): Outlet {
  const file = resolve(setup.file);
  let opened: { readonly handle: FileHandle; size: number } | undefined;
  /** One write after the other: several shards write here. */
  let last: Promise<unknown> = Promise.resolve();

  async function append(events: readonly OutletEvent[]): Promise<void> {
    opened ??= await openFile(file);
    if (opened.size >= setup.bytesMax) {
      await close();
      await rename(file, `${file}.${highestNumber(file) + 1}`);
      opened = await openFile(file);
    }
    const lines = Buffer.from(events.map((event) => `${JSON.stringify(event)}\n`).join(""));
    try {
      for (let done = 0; done < lines.length; ) {
        done += (await opened.handle.write(lines, done, lines.length - done, opened.size + done))
          .bytesWritten;
      }
      await opened.handle.datasync();
      opened.size += lines.length;
    } catch (error) {
      // Opened again, it is cut to whole lines.
      await close();
      throw error;
    }
  }

  async function close(): Promise<void> {
    const { handle } = opened ?? {};
    opened = undefined;
    await handle?.close().catch(() => {});
  }

  const after = <T>(work: () => Promise<T>): Promise<T> => {
    const done = last.then(work);
    last = done.catch(() => {});
    return done;
  };
  return {
    name: setup.name,
    batchMax,
    attemptsMax: Number.POSITIVE_INFINITY,
    timeoutMs,
    wants: wantsType(setup.events),
    deliver: (events) => after(() => append(events)),
    close: () => after(close),
  };
}

/** Opens it, or makes it, and cuts off what stands behind the last whole line. */
async function openFile(file: string): Promise<{ handle: FileHandle; size: number }> {
  createFolder(dirname(file));
  const handle = await open(file, "a").then(async (made) => {
    await made.close();
    return open(file, "r+");
  });
  try {
    const { size } = await handle.stat();
    const from = Math.max(0, size - lineBytesMax);
    const end = Buffer.alloc(size - from);
    await handle.read(end, 0, end.length, from);
    const whole = from + end.lastIndexOf(newline) + 1;
    if (whole < size) {
      const rest = end.toString("utf8", whole - from, whole - from + lineStart.length);
      // Somebody else's file is not shortened.
      if (!lineStart.startsWith(rest)) throw new Error(`${file}: what it ends with is not an event`);
      await handle.truncate(whole);
    }
    return { handle, size: whole };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function highestNumber(file: string): number {
  const name = `${basename(file)}.`;
  const numbers = readdirSync(dirname(join(file)))
    .filter((other) => other.startsWith(name))
    .map((other) => Number(other.slice(name.length)));
  return Math.max(0, ...numbers.filter(Number.isSafeInteger));
}
