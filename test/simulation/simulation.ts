/**
 * A run of one seed: a shop opens, is asked for things while everything around it breaks, is healed, comes to rest, and
 * is audited.
 */

import { readFacts } from "../../actors/fact-codec.js";
import { Facts } from "../../actors/facts.js";
import { stateHash } from "../../engine/tables/snapshot.js";
import type { Group } from "../../persistence/log/journal.js";
import { Violation } from "./audit.js";
import { auditBooks } from "./audit-books.js";
import { auditFeeds } from "./audit-feed.js";
import { auditLogs } from "./audit-log.js";
import { auditOperators } from "./audit-operators.js";
import { auditOrderData } from "./audit-order-data.js";
import { auditCertificate } from "./audit-product.js";
import { auditTransactions, runsYet } from "./audit-transactions-end.js";
import type { Coverage } from "./coverage.js";
import { followShards, readEverything } from "./inspection.js";
import type { Operation } from "./operation.js";
import { makePlan, type Plan } from "./plan.js";
import { Random } from "./random.js";
import { openShop } from "./shopkeeping.js";
import { Trace } from "./trace.js";
import { TransactionLog } from "./transaction-log.js";
import { World } from "./world.js";

/** Longer than any hold and its grace, than a call waits to be made again, and than anything that was still on its way. */
const restMicros = 20_000_000;

/** The same when time has leapt or jumped: longer than anything waits that is tried once a minute. */
const longRestMicros = 75_000_000;

/** A little longer than keys are kept and calls that nobody makes are waited for; than an order confirms itself. */
const dayMicros = 90_000_000_000;
const hourMicros = 3_600_000_000;
const weekMicros = 7 * dayMicros;

/** Longer than a resolution takes, with all that follows from it at once. */
const lastWorkMicros = 5_000_000;

/** Longer than it takes to ask once more and be answered. */
const lastAnswersMicros = 1_000_000;

/** Longer than an event is on its way. */
const lastEventsMicros = 500_000;

const readsMax = 40;

/** A world that has so many events does not come to rest. */
const eventsMax = 400_000;

export interface Report {
  readonly seed: number;
  /** Of all shards' books at the end. */
  readonly stateHash: string;
  readonly traceHash: string;
  readonly plan: Plan;
  /** Requests that reached a shard. */
  readonly requests: number;
  readonly events: number;
  readonly coverage: Coverage;
}

export interface RunOptions {
  readonly requests?: number;
  /** False: only to hear the same story again. Nothing is inspected; what happens is the same. */
  readonly verify?: boolean;
  readonly print?: (line: string) => void;
}

/** Throws `Violation` when a promise is broken, and whatever the engine throws when it breaks itself. */
export function run(seed: number, options: RunOptions = {}): Report {
  const random = new Random(seed);
  const plan = makePlan(random, options.requests ?? 670);
  const trace = new Trace(options.print);
  const world = new World(seed, plan, random, trace, options.verify ?? true);
  for (const host of world.hosts) host.start();
  openShop(world);
  world.clerk.begin();
  world.schedule.after(plan.paceMicros, () => live(world));
  until(world, () => world.healed);
  rest(world, plan.clockJump > 0 ? longRestMicros : restMicros);
  world.closed = true;
  rest(world, lastAnswersMicros);
  epilogue(world);
  const report = {
    seed,
    stateHash: world.hosts.map(({ shard }) => stateHash(shard!.books)).join(" "),
    traceHash: trace.hash,
    plan,
    requests: world.audit.requests,
    events: trace.events,
    coverage: world.coverage,
  };
  if (world.verify) inspect(world);
  return report;
}

function inspect(world: World): void {
  followShards(world);
  const reads = readAtRest(world);
  const log = new TransactionLog(world);
  world.network.expectAnswers((operation) => runsYet(log, operation));
  auditBooks(world, reads, log);
  auditTransactions(world, log, reads);
  auditFeeds(world);
  auditLogs(world);
  auditOperators(world);
  auditOrderData(world);
  auditCertificate(world);
}

/** What is tried once a minute until a human comes may happen just now: then everything is read again. */
function readAtRest(world: World): Operation[] {
  for (let tries = 0; tries < readsMax; tries++) {
    const groups = world.hosts.map(({ disk }) => disk.groups.length);
    const reads = readEverything(world);
    until(world, () => reads.every(({ received }) => received) && isQuiet(world));
    rest(world, lastEventsMicros);
    if (!world.hosts.some(({ disk }, shard) => hasMoved(disk.groups.slice(groups[shard])))) return reads;
  }
  throw new Violation("the world does not come to rest while it is read");
}

/** Old keys make room whether or not anything happens; nobody can see it. */
function hasMoved(groups: readonly Group[]): boolean {
  let moved = false;
  for (const { body, first } of groups)
    readFacts(body, first, (fact) => {
      if (fact.type !== Facts.keysDropped) moved = true;
    });
  return moved;
}

/** Time leaps, and all that was due by then happens; what follows from that has time too. */
function epilogue(world: World): void {
  const { plan, hosts, coverage } = world;
  // Some hours come before the day: what is kept for a day must be there yet.
  const hours = world.random.between(1, 20) * hourMicros;
  const leaps = { none: [], day: [hours, dayMicros], weeks: [weekMicros, weekMicros, weekMicros] };
  for (const micros of leaps[plan.epilogue]) {
    world.leapt = true;
    if (micros !== hours) coverage.hit(`time leapt by a ${plan.epilogue === "day" ? "day" : "week"}`);
    for (const host of hosts) host.leap(micros);
    for (const client of world.clients) world.workload.useOldToken(client);
    rest(world, longRestMicros);
    world.clerk.workThrough();
    rest(world, longRestMicros);
    // What has come of it, and needs somebody too.
    world.clerk.workThrough();
    rest(world, lastWorkMicros);
  }
}

/** One moment of the shop's day, and the next one after it. */
function live(world: World): void {
  const { plan, random, schedule, workload, hosts, bus, network } = world;
  workload.burst();
  world.channelWatch.look();
  world.clockWatch.look();
  if (random.chance(plan.kill)) {
    world.coverage.hit("killed at any moment");
    random.pick(hosts).kill("killed at any moment");
  }
  if (random.chance(plan.snapshot)) random.pick(hosts).snapshot();
  if (random.chance(plan.clockStep)) random.pick(hosts).stepClock();
  if (random.chance(plan.nearlyFull)) random.pick(hosts).fillDisk();
  if (random.chance(plan.network.cut)) network.cutOne();
  if (random.chance(plan.bus.partition)) bus.partition();
  if (world.requests.made < plan.requests)
    schedule.after(random.between(0, plan.paceMicros * 2), () => live(world));
  else schedule.after(50_000, () => heal(world));
}

function heal(world: World): void {
  world.trace.note(world.schedule.now, "healed");
  world.healed = true;
  world.bus.healAll();
  for (const host of world.hosts) host.heal();
  for (const client of world.clients) client.askWhatIsOpen();
}

function rest(world: World, micros: number): void {
  const restAt = world.schedule.now + micros;
  world.schedule.at(restAt, () => {});
  until(world, () => world.schedule.now >= restAt && isQuiet(world));
}

function isQuiet({ hosts }: World): boolean {
  return hosts.every((host) => host.isQuiet && host.hasBeenHeard);
}

function until(world: World, done: () => boolean): void {
  for (let events = 0; !done(); events++) {
    if (events > eventsMax) throw new Violation("the world does not come to rest");
    if (!world.schedule.runNext()) throw new Violation("nothing happens any more, and not all is done");
  }
}
