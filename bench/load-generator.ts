/**
 * The loop of the load generator: the closed and the open loop and the counted window. `bench/load` says what it is for.
 *
 * LOAD-GENERATOR-1  One write per connection and loop iteration: answers mark their connection as due, and all that are due are
 *                   served after the sockets were read.
 * LOAD-GENERATOR-2  The counted window opens and closes between reads.
 * LOAD-GENERATOR-3  Nothing is sent before all connections are open, or after the window has closed.
 */

import { latencyOf, record } from "./histogram.js";
import { checkConfig, type LoadConfig, type LoadResult } from "./load-config.js";
import { type Connection, createConnection, type Sender, sendFrames } from "./load-connection.js";
import { countsOf, createTally, mark, openWindow, windowOf } from "./load-tally.js";
import { MeasurementFailed } from "./measurement-failed.js";
import { closeWire, openWire } from "./websocket-wire.js";

const NAP_MICROS = 100;
const STALL_MS_MAX = 30_000;

interface Generator extends Sender {
  readonly connections: Connection[];
  readonly due: Connection[];
  readonly waiting: { readonly orders: number; readonly resolve: () => void }[];
  isFlushPlanned: boolean;
}

/** Throws `MeasurementFailed` when the config makes no sense. */
export function createGenerator(config: LoadConfig): Generator {
  checkConfig(config);
  const orders = "orders" in config.bound ? config.bound.warmupOrders + config.bound.orders : Infinity;
  const generator: Generator = {
    config,
    connections: [],
    tally: createTally(),
    due: [],
    waiting: [],
    now: 0,
    isReading: false,
    isFlushPlanned: false,
    isSending: false,
    framesLeft: orders / config.perFrame,
    random: (config.seed ?? 1) | 0 || 1,
    turn: 0,
    freed: (connection) => {
      if (config.ratePerSecond === undefined) markDue(generator, connection);
      wakeWaiting(generator);
    },
    fail: () => {},
  };
  for (let index = 0; index < config.connections; index++) {
    generator.connections.push(createConnection(generator, index));
  }
  return generator;
}

/** Opens the connections, runs to the bound, waits for what is under way, closes. Throws `MeasurementFailed`. */
export async function generate(generator: Generator): Promise<LoadResult> {
  const { config, connections } = generator;
  const failed = new Promise<never>((_, reject) => {
    generator.fail = (reason) => reject(new MeasurementFailed(reason));
  });
  // A connection may fail while the others are still being opened; the race below tells.
  failed.catch(() => {});
  const watch = watchForStall(generator);
  try {
    const address = { host: config.host ?? "127.0.0.1", port: config.port, path: config.path ?? "/v1/ws" };
    for (const connection of connections) {
      connection.socket = await openWire({ ...address, subprotocol: "yifen.msgpack" }, connection);
    }
    return await Promise.race([measure(generator), failed]);
  } finally {
    generator.isSending = false;
    clearInterval(watch);
    for (const { socket } of connections) if (socket) closeWire(socket);
  }
}

async function measure(generator: Generator): Promise<LoadResult> {
  const { bound, ratePerSecond } = generator.config;
  const [warmup, counted, until] =
    "orders" in bound
      ? [bound.warmupOrders, bound.orders, answers]
      : [bound.warmupSeconds, bound.seconds, elapsed];
  const opened =
    warmup === 0
      ? openWindow(generator.tally)
      : until(generator, warmup).then(() => openWindow(generator.tally));
  const closed = until(generator, warmup + counted).then(() => closeWindow(generator));

  generator.isSending = true;
  if (ratePerSecond === undefined)
    for (const connection of generator.connections) markDue(generator, connection);
  else keepTimetable(generator, performance.now(), ratePerSecond);

  const [before, { after, latency, sendLag }] = [await opened, await closed];
  await answers(generator, generator.tally.sent);
  return {
    ...windowOf(before, after),
    ...latency,
    ...(ratePerSecond === undefined ? {} : { sendLag }),
    total: { orders: generator.tally.answered, ...countsOf(mark(generator.tally)) },
  };
}

function closeWindow(generator: Generator) {
  const { tally } = generator;
  generator.isSending = false;
  return { after: mark(tally), latency: latencyOf(tally.latency), sendLag: latencyOf(tally.sendLag) };
}

// Sending.

function markDue(generator: Generator, connection: Connection): void {
  if (connection.isDue || !generator.isSending) return;
  connection.isDue = true;
  generator.due.push(connection);
  if (generator.isFlushPlanned) return;
  generator.isFlushPlanned = true;
  setImmediate(sendToDue, generator);
}

/** Closed loop: fills up what is under way (LOAD-GENERATOR-1). */
function sendToDue(generator: Generator): void {
  const { framesInFlight, perFrame } = generator.config;
  const now = performance.now();
  for (const connection of generator.due) {
    connection.isDue = false;
    const room = framesInFlight - Math.ceil(connection.outstanding / perFrame);
    if (room > 0) sendFrames(generator, connection, room, now, 0);
  }
  generator.due.length = 0;
  generator.isFlushPlanned = false;
}

/**
 * Open loop: frame m of connection c is meant to leave at `start + (c + m * connections) * period`, so that the
 * connections take turns and each knows its own times.
 */
function keepTimetable(generator: Generator, start: number, ratePerSecond: number): void {
  const { connections, config } = generator;
  const period = (1000 * config.perFrame) / ratePerSecond;
  const round = period * connections.length;
  const napMs = (config.napMicros ?? NAP_MICROS) / 1000;
  const bell = new Int32Array(new SharedArrayBuffer(4));
  const look = () => {
    if (!generator.isSending) return;
    const now = performance.now();
    for (const connection of connections) {
      const nextAt = start + connection.index * period + connection.framesSent * round;
      if (now < nextAt) continue;
      record(generator.tally.sendLag, (now - nextAt) * 1000);
      sendFrames(generator, connection, Math.floor((now - nextAt) / round) + 1, nextAt, round);
    }
    // A timer cannot sleep for less than a millisecond. Answers that come in meanwhile are read up to a nap late.
    if (napMs > 0) Atomics.wait(bell, 0, 0, napMs);
    setImmediate(look);
  };
  look();
}

// Waiting.

function answers(generator: Generator, orders: number): Promise<void> {
  return new Promise((resolve) => {
    if (generator.tally.answered >= orders) resolve();
    else generator.waiting.push({ orders, resolve });
  });
}

function elapsed(_: Generator, seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}

function wakeWaiting(generator: Generator): void {
  const { waiting, tally } = generator;
  for (let i = waiting.length - 1; i >= 0; i--) {
    if (tally.answered < waiting[i]!.orders) continue;
    waiting[i]!.resolve();
    waiting.splice(i, 1);
  }
}

function watchForStall(generator: Generator): NodeJS.Timeout {
  const stallMsMax = generator.config.stallMsMax ?? STALL_MS_MAX;
  let answered = -1;
  let since = performance.now();
  const look = () => {
    const due = generator.tally.sent - generator.tally.answered;
    if (due === 0 || answered !== generator.tally.answered) {
      answered = generator.tally.answered;
      since = performance.now();
    } else if (performance.now() - since > stallMsMax) {
      generator.fail(`no answer for ${stallMsMax} ms, ${due} orders are due`);
    }
  };
  return setInterval(look, Math.min(1000, stallMsMax / 4));
}
