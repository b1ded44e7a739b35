/**
 * The engine without its sockets, in one process, to see what each layer costs:
 *
 *   L0   rules only: commands go to a shard, its journal forgets at once
 *   L1   and encoding: MessagePack frames in, MessagePack frames out
 *   L2   and the durable log: SQLite, one fsync per group
 *
 *     node dist/bench/levels.js '{"level": "L1", "products": 1, "accounts": 10000, "orders": 1000000, "perGroup": 2048, "folder": "..."}'
 */

import { fileURLToPath } from "node:url";
import { Shard } from "../engine/loop/shard.js";
import { startClock, systemTime } from "../engine/seams/clock.js";
import type { Command, PlaceOrder } from "../engine/seams/commands.js";
import { memoryBus } from "../engine/seams/memory-bus.js";
import type { Requester } from "../engine/seams/requester.js";
import { defaultSettings } from "../engine/seams/settings.js";
import { Books } from "../engine/tables/books.js";
import { msgpackCodec } from "../gateway/codecs/msgpack-codec.js";
import { newSessionCounters, Session } from "../gateway/edge/session.js";
import type { Journal } from "../persistence/log/journal.js";
import { openSqliteJournal } from "../persistence/log/sqlite-journal.js";
import { MeasurementFailed } from "./measurement-failed.js";
import { accountId, buildOrderFrames, patchRequest, productId } from "./order-frames.js";
import { plentyOfStock } from "./setup.js";

export interface LevelConfig {
  readonly level: "L0" | "L1" | "L2";
  readonly products: number;
  readonly accounts: number;
  readonly orders: number;
  /** Orders that share a group, and so an fsync. */
  readonly perGroup: number;
  /** For L2. */
  readonly folder: string;
}

export interface LevelResult {
  readonly perSecond: number;
  readonly cpuMicrosPerOrder: number;
  readonly logBytesPerOrder: number;
  readonly syncsPerOrder: number;
}

const perFrame = 64;
/** MessagePack's head of an array of 16 to 65,535. */
const arrayHeadBytes = 3;

export function runLevel(config: LevelConfig): LevelResult {
  const journal =
    config.level === "L2"
      ? openSqliteJournal({
          folder: config.folder,
          identity: { engine: "0".repeat(32), shard: 0, shards: 1 },
        })
      : forgetfulJournal();
  const shard = openShard(journal);
  const tally = { ok: 0, other: 0 };
  fill(shard, config);
  const place =
    config.level === "L0" ? placeCommands(shard, config, tally) : placeFrames(shard, config, tally);
  place(config.perGroup * 20);
  tally.ok = 0;
  const [bytes, syncs] = [journal.bytesAppended, journal.syncs];
  const cpu = process.cpuUsage();
  const started = performance.now();
  place(config.orders);
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  if (tally.ok !== config.orders || tally.other > 0) {
    throw new MeasurementFailed(`${tally.ok} of ${config.orders} orders were placed, ${tally.other} refused`);
  }
  const sold = shard.books.products.reduce((sum, product) => sum + product.sold, 0);
  if (sold !== config.orders + config.perGroup * 20)
    throw new MeasurementFailed(`the books say ${sold} sold`);
  journal.close();
  return {
    perSecond: config.orders / seconds,
    cpuMicrosPerOrder: (user + system) / config.orders,
    logBytesPerOrder: (journal.bytesAppended - bytes) / config.orders,
    syncsPerOrder: (journal.syncs - syncs) / config.orders,
  };
}

interface Tally {
  ok: number;
  other: number;
}

function openShard(journal: Journal): Shard {
  return new Shard({
    shard: 0,
    shards: 1,
    books: new Books(),
    journal,
    clock: startClock(systemTime),
    bus: memoryBus(),
    settings: defaultSettings,
    outside: () => {},
    wake: () => {},
    failed(error) {
      throw error;
    },
  });
}

function fill(shard: Shard, { products, accounts }: LevelConfig): void {
  const requester = countingRequester({ ok: 0, other: 0 });
  const submit = (params: object, n: number) => {
    shard.submit({ requester, id: n, refuseAfter: 0, ...params } as Command);
    if (n % 1000 === 0) while (shard.step());
  };
  const window = { limitPerAccount: undefined, saleStartsAt: undefined, saleEndsAt: undefined };
  for (let n = 1; n <= products; n++) {
    const params = {
      product: productId(n),
      name: "Tea",
      price: "1.00",
      currency: "CNY",
      stock: plentyOfStock,
    };
    submit({ method: "product.create", ...params, ...window }, n);
  }
  for (let n = 1; n <= accounts; n++) {
    const account = accountId(n);
    submit({ method: "account.open", account, currency: "CNY" }, n);
    submit({ method: "account.deposit", account, amount: "1000000000.00", ref: "start" }, n);
  }
  while (shard.step());
}

/** L0. The strings are made before the clock runs. */
function placeCommands(shard: Shard, config: LevelConfig, tally: Tally): (orders: number) => void {
  const requester = countingRequester(tally);
  const products = Array.from({ length: config.products }, (_, n) => productId(n + 1));
  const accounts = Array.from({ length: config.accounts }, (_, n) => accountId(n + 1));
  const choose = chooser();
  let keys = 0;
  return (orders) => {
    for (let n = 1; n <= orders; n++) {
      shard.submit(
        commandFor(
          requester,
          accounts[choose(accounts.length)]!,
          `k${++keys}`,
          products[choose(products.length)]!,
        ),
      );
      if (n % config.perGroup === 0 || n === orders) while (shard.step());
    }
  };
}

function commandFor(requester: Requester, account: string, key: string, product: string): PlaceOrder {
  return {
    requester,
    id: 1,
    refuseAfter: 0,
    method: "order.place",
    account,
    key,
    lines: [{ product, qty: 1 }],
    pay: "balance",
    mode: "tcc",
    payWithinMs: undefined,
    expectedTotal: undefined,
    at: undefined,
    dryRun: false,
    operator: undefined,
    address: undefined,
    contact: undefined,
    shippingMethod: undefined,
    paymentMethod: undefined,
    ref: undefined,
    metadata: undefined,
    adjustments: undefined,
  };
}

/** L1 and L2: what a socket would bring, given to a session; the frames that it would send are counted and dropped. */
function placeFrames(shard: Shard, config: LevelConfig, tally: Tally): (orders: number) => void {
  const frame = buildOrderFrames("L", 1, perFrame);
  const payload = frame.bytes.subarray(frame.firstRequestAt - arrayHeadBytes);
  const choose = chooser();
  const transport = {
    send: () => true,
    end(_code: number, reason: string) {
      throw new MeasurementFailed(`the session ended: ${reason}`);
    },
  };
  const engine = {
    shards: 1,
    route: () => 0,
    submit: (_shard: number, command: Command) => shard.submit(command),
    closed: () => {},
    nowMicros: () => 0,
    wallMs: () => Date.now(),
  };
  const session = new Session(msgpackCodec, transport, engine, newSessionCounters(), (defect) => {
    throw defect;
  });
  let sent = 0;
  return (orders) => {
    const before = soldUnits(shard);
    for (let n = 0; n < orders; n += perFrame) {
      for (let i = 0; i < perFrame; i++) {
        const at = frame.firstRequestAt + i * frame.requestBytes;
        patchRequest(frame, at, sent++, choose(config.accounts) + 1, choose(config.products) + 1);
      }
      session.receive(payload, true);
      if ((n + perFrame) % config.perGroup === 0 || n + perFrame >= orders) while (shard.step());
    }
    tally.ok += soldUnits(shard) - before;
  };
}

function soldUnits(shard: Shard): number {
  return shard.books.products.reduce((sum, product) => sum + product.sold, 0);
}

function countingRequester(tally: Tally): Requester {
  return {
    order: () => {
      tally.ok++;
    },
    result: () => {},
    refused: () => {
      tally.other++;
    },
    push: () => {},
    flush: () => {},
  };
}

/** The same choices in every run. */
function chooser(): (below: number) => number {
  let state = 1;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state % below;
  };
}

function forgetfulJournal(): Journal {
  return {
    appended: 0,
    durable: 0,
    bytesAppended: 0,
    syncs: 0,
    onDurable: () => {},
    append(group) {
      (this as { bytesAppended: number }).bytesAppended += group.body.length;
      this.onDurable(group.last);
    },
    *read() {},
    close: () => {},
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(JSON.stringify(runLevel(JSON.parse(process.argv[2] ?? "{}") as LevelConfig)));
}
