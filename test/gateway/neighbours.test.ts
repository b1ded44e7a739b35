/**
 * One client against the others: what a neighbour, who asks for one thing after the other, waits for while somebody does his
 * worst. Small versions; `abuse-figures` has the full ones and their figures. What he waits for without them is measured just
 * before, and the bounds are made of that, because the machine may do other things beside. Without fair turns they are missed by
 * seconds.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { AbuseName } from "../support/abuses.js";
import {
  cpuSeconds,
  fillShop,
  type Neighbour,
  openNeighbour,
  residentMiB,
  startAbuse,
} from "../support/neighbour.js";
import { type ServerProcess, startServer } from "../support/server-process.js";

const folder = mkdtempSync(join(tmpdir(), "yifen-neighbours-"));
let server: ServerProcess;
let neighbour: Neighbour;

beforeAll(async () => {
  server = await startServer(folder);
  neighbour = await openNeighbour(server.address);
  await fillShop(neighbour, 5000);
}, 60_000);

afterAll(async () => {
  neighbour.close();
  await server.kill();
  rmSync(folder, { recursive: true, force: true, maxRetries: 9 });
});

/** Times what the slowest answers take when nobody else is there; and what a quiet machine may have in any case. */
const worse = 8;
const medianMs = 60;
const p99Ms = 300;
const measureMs = 700;

test.each<[AbuseName, size: number, what: "order" | "statement"]>([
  ["subscriptionsFromTheBeginning", 1000, "order"],
  ["subscriptionsAndHangUp", 3000, "order"],
  ["longLists", 1024, "order"],
  ["longLists", 1024, "statement"],
  ["audits", 2, "order"],
  ["statements", 2, "statement"],
  ["pings", 2, "order"],
  ["refusals", 2, "order"],
  ["orders", 2, "order"],
  ["idleTcp", 1500, "order"],
  ["idleWebSockets", 1000, "order"],
  ["deaf", 20, "order"],
])(
  "%s, %i of them: a neighbour's %s is answered all the same",
  async (name, size, what) => {
    const measure = () => (what === "order" ? neighbour.placeFor(measureMs) : neighbour.stateFor(measureMs));
    const quiet = await measure();
    const abuser = await startAbuse(name, server.address, size);
    const waits = await measure();
    await abuser.stop();
    expect(waits.refused).toBe(0);
    expect(waits.median).toBeLessThan(Math.max(medianMs, worse * quiet.p99));
    expect(waits.p99).toBeLessThan(Math.max(p99Ms, worse * quiet.p99));
  },
  30_000,
);

test("nothing of it goes on after they are gone, and nothing of it is kept", async () => {
  await new Promise((later) => setTimeout(later, 2500));
  const before = cpuSeconds(server.pid);
  await new Promise((later) => setTimeout(later, 1000));
  expect(cpuSeconds(server.pid) - before).toBeLessThan(0.5);
  expect(residentMiB(server.pid)).toBeLessThan(700);
  const metrics = await (await fetch(`${server.address}/metrics`)).text();
  const metric = (name: string) => Number(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, "m").exec(metrics)![1]);
  expect({
    subscriptions: metric("yifen_subscriptions"),
    questions: metric("yifen_read_questions_open"),
    buffered: metric("yifen_send_buffered_bytes"),
    waiting: metric("yifen_mailbox_waiting"),
    connections: metric("yifen_connections"),
  }).toEqual({ subscriptions: 0, questions: 0, buffered: 0, waiting: 0, connections: 1 });
});

test("idle TCP connections do not take the descriptors that the engine needs", async () => {
  const own = mkdtempSync(join(tmpdir(), "yifen-descriptors-"));
  const small = await startServer(own, [], { shell: "ulimit -n 256" });
  const polite = await openNeighbour(small.address);
  await fillShop(polite, 1);
  const abuser = await startAbuse("idleTcp", small.address, 316);
  const before = cpuSeconds(small.pid);
  const waits = await polite.placeFor(1000);
  const used = cpuSeconds(small.pid) - before;
  await abuser.stop();
  polite.close();
  const { code } = await small.stop();
  rmSync(own, { recursive: true, force: true, maxRetries: 9 });
  expect(code).toBe(0);
  expect(waits.count).toBeGreaterThan(10);
  expect(used).toBeLessThan(0.8);
}, 30_000);
