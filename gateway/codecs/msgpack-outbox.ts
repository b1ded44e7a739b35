/**
 * Answers of one connection and shard as MessagePack frames, encoded as they come.
 *
 * 1  An array frame holds at most `batchMax` answers and is ended soon after `answerFrameBytes`.
 * 2  What `take` returned lies in buffers that the next write of any outbox may use again: send it at once.
 */

import type { Refusal } from "../../actors/results.js";
import { answerFrameBytes, batchMax } from "../../engine/seams/limits.js";
import type { OrderView, RequestId } from "../../engine/seams/requester.js";
import { viewToResult } from "../../engine/turns/order-result.js";
import type { Outbox } from "../edge/protocol.js";
import {
  orderBytesMax,
  pushBytesMax,
  putOrder,
  putPush,
  putRefusal,
  putResult,
  refusalBytesMax,
  resultBytesMax,
} from "./msgpack-answers.js";

/** Buffers of the size that a usual flush needs, shared by all outboxes: an idle connection has none. */
const pool: Buffer[] = [];
const pooledBytes = 64 * 1024;
const pooledMax = 64;
const none = Buffer.alloc(0);

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Frames of one kind: encoded answers one behind the other, and where each frame ends. */
class Frames {
  bytes: Buffer = none;
  view: DataView = viewOf(none);
  at = 0;
  /** Ends of the finished frames. */
  ends: number[] = [];
  /** Answers in the array frame that is still open; 0 = none is open. */
  open = 0;
  #openedAt = 0;

  reserve(more: number): void {
    if (this.at + more <= this.bytes.length) return;
    const wanted = Math.max(this.at + more, this.bytes.length * 2);
    const larger =
      (wanted <= pooledBytes && pool.pop()) || Buffer.allocUnsafeSlow(Math.max(wanted, pooledBytes));
    this.bytes.copy(larger, 0, 0, this.at);
    this.bytes = larger;
    this.view = viewOf(larger);
  }

  /** Makes place for one more answer, in the open array frame if it is to be in one. */
  start(bytesMax: number, batched: boolean): void {
    this.reserve(bytesMax + 3);
    if (!batched || this.open > 0) return;
    this.#openedAt = this.at;
    this.at += 3;
  }

  end(at: number, batched: boolean): void {
    this.at = at;
    if (!batched) {
      this.ends.push(at);
    } else if (++this.open === batchMax || at - this.#openedAt > answerFrameBytes) {
      this.close();
    }
  }

  /** Ends the open array frame: array16 with its count, which was not known when it began. */
  close(): void {
    if (this.open === 0) return;
    this.bytes[this.#openedAt] = 0xdc;
    this.bytes.writeUInt16BE(this.open, this.#openedAt + 1);
    this.open = 0;
    this.ends.push(this.at);
  }

  /** Moves the finished frames to `out`; the buffer may be given to another outbox by the next write of any. */
  take(out: Uint8Array[]): void {
    this.close();
    let start = 0;
    for (const end of this.ends) {
      out.push(this.bytes.subarray(start, end));
      start = end;
    }
    this.clear();
  }

  clear(): void {
    if (this.bytes.length === pooledBytes && pool.length < pooledMax) pool.push(this.bytes);
    this.bytes = none;
    this.at = 0;
    this.ends.length = 0;
    this.open = 0;
  }
}

export class MsgpackOutbox implements Outbox {
  readonly #batched = new Frames();
  readonly #single = new Frames();

  get bytes(): number {
    return this.#batched.at + this.#single.at;
  }

  order(id: RequestId, order: OrderView, replayed: boolean, batched: boolean): void {
    if (order.more) {
      this.result(id, viewToResult(order), replayed, batched);
      return;
    }
    const frames = batched ? this.#batched : this.#single;
    frames.start(orderBytesMax(id, order), batched);
    frames.end(putOrder(frames.bytes, frames.view, frames.at, id, order, replayed), batched);
  }

  result(id: RequestId, result: object, replayed: boolean, batched: boolean): void {
    const frames = batched ? this.#batched : this.#single;
    frames.start(resultBytesMax(result), batched);
    frames.end(putResult(frames.bytes, frames.view, frames.at, id, result, replayed), batched);
  }

  refused(id: RequestId, refusal: Refusal, replayed: boolean, batched: boolean): void {
    const frames = batched ? this.#batched : this.#single;
    frames.start(refusalBytesMax(refusal), batched);
    frames.end(putRefusal(frames.bytes, frames.view, frames.at, id, refusal, replayed), batched);
  }

  push(sub: number, seq: number, type: string, time: number, data: object): void {
    const frames = this.#single;
    frames.start(pushBytesMax(type, data), false);
    frames.end(putPush(frames.bytes, frames.view, frames.at, sub, seq, type, time, data), false);
  }

  clear(): void {
    this.#batched.clear();
    this.#single.clear();
  }

  take(): Uint8Array[] {
    const out: Uint8Array[] = [];
    this.#batched.take(out);
    this.#single.take(out);
    return out;
  }
}
