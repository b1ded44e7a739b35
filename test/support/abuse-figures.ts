/**
 * The abuses of `abuses` in full size, one after the other, each on a server of its own, and what a neighbour felt of it:
 *
 *     npm run -s build && node dist/test/support/abuse-figures.js [NAME...]
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AbuseName, abuses } from "./abuses.js";
import { cpuSeconds, fillShop, openNeighbour, residentMiB, startAbuse, type Waits } from "./neighbour.js";
import { startServer } from "./server-process.js";

const fullSize: Record<AbuseName, number> = {
  subscriptionsFromTheBeginning: 1000,
  longLists: 1024,
  subscriptionsAndHangUp: 30_000,
  audits: 4,
  statements: 8,
  pings: 4,
  orders: 8,
  refusals: 4,
  idleTcp: 10_000,
  idleWebSockets: 10_000,
  deaf: 60,
};

const ordersBefore = 20_000;
const measureMs = 4000;

for (const name of namesAsked()) await figuresOf(name);

function namesAsked(): AbuseName[] {
  const asked = process.argv.slice(2) as AbuseName[];
  return asked.length > 0 ? asked : (Object.keys(abuses) as AbuseName[]);
}

async function figuresOf(name: AbuseName): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "yifen-abuse-"));
  const server = await startServer(folder);
  try {
    const neighbour = await openNeighbour(server.address);
    await fillShop(neighbour, ordersBefore);
    const quiet = await neighbour.placeFor(measureMs / 2);
    const quietStatement = await neighbour.stateFor(measureMs / 2);
    const before = residentMiB(server.pid);
    const abuser = await startAbuse(name, server.address, fullSize[name]);
    const place = await neighbour.placeFor(measureMs);
    const statement = await neighbour.stateFor(measureMs);
    const during = residentMiB(server.pid);
    await abuser.stop();
    const cpu = cpuSeconds(server.pid);
    const after = await neighbour.placeFor(1000);
    const busy = Math.round((cpuSeconds(server.pid) - cpu) * 100);
    console.log(
      `${name} x ${fullSize[name]}: place ${told(quiet)} -> ${told(place)}, statement ${told(quietStatement)} -> ` +
        `${told(statement)}, gone ${told(after)} (${busy} % of a core), memory ${before} -> ${during} MiB`,
    );
    neighbour.close();
  } catch (error) {
    console.log(`${name} x ${fullSize[name]}: ${String(error)}`);
  } finally {
    await server.kill();
    rmSync(folder, { recursive: true, force: true, maxRetries: 9 });
  }
}

/** median / p99 / longest, ms */
function told({ median, p99, longest, refused }: Waits): string {
  return `${median}/${p99}/${longest}${refused > 0 ? ` (${refused} refused)` : ""}`;
}
