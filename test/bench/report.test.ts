import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { BenchDocument } from "../../bench/document.js";
import { renderReport, snapshotRatio } from "../../bench/report.js";

const [newest] = readdirSync("bench/results")
  .filter((name) => name.endsWith(".json"))
  .sort()
  .reverse();
const measured = JSON.parse(readFileSync(`bench/results/${newest}`, "utf8")) as BenchDocument;

test("what a snapshot adds is published only of a run in which one was written", () => {
  const snapshot = { maxMs: 20, maxMsWithout: 12, p99Ms: 5, p99MsWithout: 4 };
  expect(snapshotRatio({ ...snapshot, snapshotsWritten: 0 })).toEqual({});
  expect(snapshotRatio({ ...snapshot, snapshotsWritten: 2 })).toEqual({ snapshotAddsMs: 8 });
  const rowOf = (snapshotsWritten: number) =>
    renderReport({ ...measured, snapshot: { ...snapshot, snapshotsWritten } }, "")
      .split("\n")
      .find((line) => line.startsWith("| `snapshotAddsMs`"));
  expect(rowOf(0)).toMatch(/not measured/);
  expect(rowOf(1)).toMatch(/8\.00/);
});

test("the document is what the newest results and its remarks make", () => {
  const remarks = readFileSync(`bench/results/${newest!.replace(/json$/, "md")}`, "utf8");
  expect(readFileSync("docs/benchmarks.md", "utf8")).toBe(renderReport(measured, remarks));
});
