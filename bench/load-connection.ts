/**
 * One connection of the load generator: its frames, the orders that it has under way, and what comes back.
 *
 * LOAD-CONNECTION-1  A connection whose last write the kernel has not taken yet sends nothing: its frames are still being read.
 * LOAD-CONNECTION-2  Every order has one slot in its connection's `sentAt` until it is answered; a slot is never given to a second
 *                    order before. So an answer to nothing, or a second answer, is seen and fails the run.
 */

import type { Socket } from "node:net";
import { type AnswerSink, readAnswers } from "./answers.js";
import type { LoadConfig } from "./load-config.js";
import { countAnswer, countCode, type Tally } from "./load-tally.js";
import { MeasurementFailed } from "./measurement-failed.js";
import { buildOrderFrames, type OrderFrames, patchRequest } from "./order-frames.js";
import type { WireHandler } from "./websocket-wire.js";

/** Open loop, at least: so many orders of one connection may be unanswered before its timetable waits. */
const OPEN_LOOP_SLOTS = 65_536;

/** What all connections of a run share. */
export interface Sender {
  readonly config: LoadConfig;
  readonly tally: Tally;
  isSending: boolean;
  /** How many more may be sent. */
  framesLeft: number;
  /** State of the random numbers, not 0. */
  random: number;
  /** Orders made for buyers in turns. */
  turn: number;
  /** ms, of the read that is being handled. */
  now: number;
  isReading: boolean;
  /** This connection may have room for more. */
  freed: (connection: Connection) => void;
  fail: (reason: string) => void;
}

export interface Connection extends WireHandler, AnswerSink {
  readonly index: number;
  readonly layout: OrderFrames;
  /** When the order with this id (modulo length, a power of two) was meant to leave; 0 = no such order under way. */
  readonly sentAt: Float64Array;
  socket: Socket | undefined;
  nextId: number;
  outstanding: number;
  framesSent: number;
  /** The kernel has not taken the last write yet (LOAD-CONNECTION-1). */
  isBlocked: boolean;
  /** In the generator's list of those to be served. */
  isDue: boolean;
}

export function createConnection(sender: Sender, index: number): Connection {
  const { keyPrefix, framesInFlight, perFrame, ratePerSecond } = sender.config;
  const slots = 2 ** Math.ceil(Math.log2(4 * framesInFlight * perFrame));
  const connection: Connection = {
    index,
    layout: buildOrderFrames(`${keyPrefix}${String(index).padStart(4, "0")}.`, framesInFlight, perFrame),
    sentAt: new Float64Array(ratePerSecond === undefined ? slots : Math.max(slots, OPEN_LOOP_SLOTS)),
    socket: undefined,
    nextId: 0,
    outstanding: 0,
    framesSent: 0,
    isBlocked: false,
    isDue: false,
    message(bytes, start, end) {
      if (!sender.isReading) {
        sender.isReading = true;
        sender.now = performance.now();
      }
      readAnswers(bytes, start, end, connection);
    },
    readDone(bytesRead) {
      sender.isReading = false;
      sender.tally.bytesIn += bytesRead;
      sender.freed(connection);
    },
    drained() {
      if (!connection.isBlocked) return;
      connection.isBlocked = false;
      sender.freed(connection);
    },
    closed(reason) {
      sender.fail(`connection ${index}: ${reason}`);
    },
    answered(id, status, bytes, codeAt, codeBytes) {
      const slot = id & (connection.sentAt.length - 1);
      const sentAt = connection.sentAt[slot]!;
      if (sentAt === 0) throw new MeasurementFailed(`an answer to no order that is under way, id ${id}`);
      connection.sentAt[slot] = 0;
      connection.outstanding--;
      countAnswer(sender.tally, status, (sender.now - sentAt) * 1000);
      if (codeBytes > 0) countCode(sender.tally, bytes, codeAt, codeBytes);
    },
  };
  return connection;
}

/** Sends up to so many frames, in one write. The first was meant to leave at `sentAt`, each next `stepMs` later. */
export function sendFrames(
  sender: Sender,
  connection: Connection,
  wanted: number,
  sentAt: number,
  stepMs: number,
): void {
  if (connection.isBlocked || !sender.isSending) return;
  const { layout, socket } = connection;
  const most = Math.min(wanted, layout.frames, sender.framesLeft);
  let frames = 0;
  for (; frames < most && hasSlots(connection); frames++) {
    let at = frames * layout.frameBytes + layout.firstRequestAt;
    for (let request = 0; request < layout.perFrame; request++) {
      const id = connection.nextId;
      connection.nextId = (id + 1) >>> 0;
      connection.sentAt[id & (connection.sentAt.length - 1)] = sentAt + frames * stepMs;
      patchRequest(layout, at, id, pickAccount(sender), pickProduct(sender));
      at += layout.requestBytes;
    }
  }
  if (frames === 0) return;
  const orders = frames * layout.perFrame;
  connection.framesSent += frames;
  connection.outstanding += orders;
  sender.tally.sent += orders;
  sender.framesLeft -= frames;
  sender.tally.bytesOut += frames * layout.frameBytes;
  socket!.write(layout.bytes.subarray(0, frames * layout.frameBytes));
  connection.isBlocked = socket!.writableLength > 0;
}

/** Whether a frame's orders all find a free slot (LOAD-CONNECTION-2). */
function hasSlots(connection: Connection): boolean {
  const { sentAt, nextId, layout } = connection;
  for (let request = 0; request < layout.perFrame; request++) {
    if (sentAt[(nextId + request) & (sentAt.length - 1)] !== 0) return false;
  }
  return true;
}

function pickAccount(sender: Sender): number {
  const { accounts, buyers, firstAccount } = sender.config.traffic;
  const nth = buyers === "turns" ? sender.turn++ % accounts : pickBelow(sender, accounts);
  return (firstAccount ?? 1) + nth;
}

function pickProduct(sender: Sender): number {
  const { products, firstProduct } = sender.config.traffic;
  return (firstProduct ?? 1) + pickBelow(sender, products);
}

/** Xorshift32: the quality does not matter here, the two nanoseconds do. */
function pickBelow(sender: Sender, bound: number): number {
  if (bound === 1) return 0;
  let x = sender.random;
  x ^= x << 13;
  x ^= x >>> 17;
  x ^= x << 5;
  sender.random = x;
  return Math.floor((x >>> 0) * (bound / 2 ** 32));
}
