import { createHash } from "node:crypto";
import { readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { LogDamaged } from "../../../persistence/log/journal.js";
import { newestSnapshot, readSnapshot, writeSnapshot } from "../../../persistence/snapshots/snapshot-file.js";
import { folderInMemory, temporaryFolder } from "../../support/persistence-log.js";

const point = (position: number) => ({ position, chainHash: Buffer.alloc(32, position), format: 7 });

async function written(folder: string, chunks: Iterable<Uint8Array>): Promise<string> {
  return (await writeSnapshot(folder, point(5), chunks, 0)).file;
}

test("what was written is read back: point, chunks, and the hash of the content", async () => {
  const folder = folderInMemory();
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 }), async (chunks) => {
      const snapshot = readSnapshot(await written(folder, chunks));
      expect(snapshot).toMatchObject(point(5));
      expect([...snapshot.chunks()].map((chunk) => Uint8Array.from(chunk))).toEqual(chunks);
      expect(snapshot.bytes).toBe(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
      const content = createHash("sha256").update(Buffer.concat(chunks)).digest();
      expect(Buffer.from(snapshot.stateHash).equals(content)).toBe(true);
    }),
    { numRuns: 50 },
  );
});

test("SNAPSHOT-FILE-2: chunks larger than a piece, and of many pieces, come back; the loop runs on meanwhile", async () => {
  const folder = temporaryFolder();
  let ticks = 0;
  const ticking = setInterval(() => ticks++, 1);
  const chunks = [3 << 20, 1 << 20, 17, (1 << 20) - 8].map((size, i) => Buffer.alloc(size, i + 1));
  const { file, stateHash } = await writeSnapshot(folder, point(9), chunks, 2);
  clearInterval(ticking);
  expect(ticks).toBeGreaterThan(3);
  const snapshot = readSnapshot(file);
  expect(Buffer.compare(snapshot.stateHash, stateHash)).toBe(0);
  expect([...snapshot.chunks()].every((chunk, i) => chunks[i]!.equals(chunk))).toBe(true);
});

test("SNAPSHOT-FILE-4: the two newest are kept, and what an unfinished one left is removed", async () => {
  const folder = temporaryFolder();
  expect(newestSnapshot(folder)).toBeUndefined();
  writeFileSync(join(folder, "snapshot-0000000000000004.snap.new"), "half");
  for (const position of [3, 10, 200, 1000])
    await writeSnapshot(folder, point(position), [Buffer.alloc(9)], 0);
  expect(readdirSync(folder).sort()).toEqual([
    "snapshot-0000000000000200.snap",
    "snapshot-0000000000001000.snap",
  ]);
  expect(newestSnapshot(folder)!.position).toBe(1000);
});

test("SNAPSHOT-FILE-1: a state that cannot be encoded leaves the older snapshots and no file of its own", async () => {
  const folder = temporaryFolder();
  await writeSnapshot(folder, point(3), [Buffer.alloc(9)], 0);
  function* broken() {
    yield Buffer.alloc(10);
    throw new Error("no encoding");
  }
  await expect(writeSnapshot(folder, point(8), broken(), 0)).rejects.toThrow("no encoding");
  expect(readdirSync(folder)).toEqual(["snapshot-0000000000000003.snap"]);
});

test("SNAPSHOT-FILE-3: one flipped bit in any byte, or a cut at any length, is refused before a chunk is handed out", async () => {
  const file = await written(folderInMemory(), [Buffer.alloc(40, 1), Buffer.alloc(0), Buffer.alloc(70, 3)]);
  const content = readFileSync(file);
  const refusal = () => {
    try {
      readSnapshot(file);
    } catch (error) {
      return error;
    }
    return undefined;
  };
  for (let at = 0; at < content.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const spoilt = Buffer.from(content);
      spoilt[at]! ^= 1 << bit;
      writeFileSync(file, spoilt);
      expect(refusal()).toBeInstanceOf(LogDamaged);
    }
    writeFileSync(file, content);
    truncateSync(file, at);
    expect(refusal()).toBeInstanceOf(LogDamaged);
  }
  writeFileSync(file, Buffer.concat([content, Buffer.alloc(1)]));
  expect(String(refusal())).toMatch(/byte 254: .*behind the trailer.*may be deleted/);
  writeFileSync(file, content);
  expect(refusal()).toBeUndefined();
});
