/** One world: shards, their disks, the ways between them, clients and the auditor, all moved by one seed. */

import { AfterSale } from "./after-sale.js";
import { Audit } from "./audit.js";
import { Carrier } from "./carrier.js";
import { ChannelWatch } from "./channel-watch.js";
import { Clerk } from "./clerk.js";
import { Client } from "./client.js";
import { ClockWatch } from "./clock-watch.js";
import { Coverage } from "./coverage.js";
import { Host } from "./host.js";
import { Network } from "./network.js";
import type { Plan } from "./plan.js";
import { Providers } from "./providers.js";
import type { Random } from "./random.js";
import { Requests } from "./requests.js";
import { Schedule } from "./schedule.js";
import { SimulatedBus } from "./simulated-bus.js";
import type { Trace } from "./trace.js";
import { SimulatedTransactions } from "./transactions.js";
import { Workload } from "./workload.js";

export class World {
  readonly schedule = new Schedule();
  readonly coverage = new Coverage();
  readonly hosts: Host[];
  readonly clients: Client[];
  /** Asks for the auditor at the end, and follows every topic. */
  readonly inspector: Client;
  readonly bus: SimulatedBus;
  readonly network: Network;
  readonly audit: Audit;
  readonly requests: Requests;
  readonly workload: Workload;
  readonly afterSale: AfterSale;
  readonly clerk: Clerk;
  readonly channelWatch: ChannelWatch;
  readonly clockWatch: ClockWatch;
  readonly providers: Providers;
  readonly carrier: Carrier;
  readonly transactions: SimulatedTransactions;
  /** No fault happens any more. */
  healed = false;
  /** Time has leapt: every key may be gone. */
  leapt = false;
  /** Nobody begins anything any more. */
  closed = false;

  constructor(
    readonly seed: number,
    readonly plan: Plan,
    readonly random: Random,
    readonly trace: Trace,
    /** Whether books are compared with their logs on the way: it costs time and changes nothing. */
    readonly verify: boolean,
  ) {
    this.hosts = Array.from({ length: plan.shards }, (_, shard) => new Host(this, shard));
    this.bus = new SimulatedBus(this);
    this.network = new Network(this);
    this.audit = new Audit(this);
    this.providers = new Providers(this);
    this.carrier = new Carrier(this);
    this.transactions = new SimulatedTransactions(this);
    this.channelWatch = new ChannelWatch(this);
    this.clockWatch = new ClockWatch(this);
    this.requests = new Requests(this);
    this.afterSale = new AfterSale(this);
    this.workload = new Workload(this);
    this.clients = Array.from(
      { length: plan.clients },
      (_, number) => new Client(this, number, `a${number % plan.accounts}`),
    );
    this.inspector = new Client(this, plan.clients, "a0");
    const clerk = new Client(this, plan.clients + 1, "a0");
    this.clients.push(clerk);
    this.clerk = new Clerk(this, clerk);
  }
  get keysMayBeGone(): boolean {
    return this.plan.keysCanBeDropped || this.leapt;
  }
}
