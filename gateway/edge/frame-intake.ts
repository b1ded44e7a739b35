/**
 * Frames between the sockets and their sessions. Reading a frame takes up to ten milliseconds, and whoever sends one after the
 * other would have the loop to himself: so there is a time for it in each turn of the event loop, and what comes after is
 * copied and waits in fair turns.
 *
 * FRAME-INTAKE-1  Frames of one connection are read in the order in which they came, each to its end before the next.
 * FRAME-INTAKE-2  A turn of the event loop reads frames for `intakeMsPerTurn` and one frame more; while some wait, none as it comes,
 *                 but for a short one of each sender who has nothing waiting, for `smallMsPerTurn`: whoever asks for little
 *                 does not wait a turn because others ask for much.
 * FRAME-INTAKE-3  What waits is bounded, for each sender and in all; whoever sends past it is told to `receive`'s caller.
 */

import { FairQueue } from "../../engine/loop/fair-queue.js";
import {
  intakeBytesMax,
  intakeMsPerTurn,
  intakesBytesMax,
  smallFrameBytes,
  smallMsPerTurn,
} from "../../engine/seams/limits.js";

/** A connection. */
export interface Sender {
  /** Bytes of its frames that wait. */
  waitingBytes: number;
}

interface Frame<S> {
  readonly sender: S;
  /** Undefined for the rest of one that was begun. */
  readonly bytes: Uint8Array | undefined;
  readonly binary: boolean;
}

/** What reads: neither may throw, and both say whether there is more of the frame. */
export interface FrameReader<S> {
  read(sender: S, bytes: Uint8Array, binary: boolean): boolean;
  resume(sender: S): boolean;
}

export class FrameIntake<S extends Sender> {
  readonly #queue = new FairQueue<Frame<S>>(1);
  readonly #reader: FrameReader<S>;
  readonly #nowMs: () => number;
  #leftMs = intakeMsPerTurn;
  /** Senders of whom a short frame was read in this turn although others wait. */
  readonly #hurried = new Set<S>();
  #smallLeftMs = smallMsPerTurn;
  #armed = false;
  #waitingBytes = 0;

  /** `nowMs`: a clock that never goes back; of a test, whose frames take as long as it says. */
  constructor(reader: FrameReader<S>, nowMs: () => number = () => performance.now()) {
    this.#reader = reader;
    this.#nowMs = nowMs;
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Reads a frame now or later; `bytes` are not used after it returns. False when it was not taken: too many wait. */
  receive(sender: S, bytes: Uint8Array, binary: boolean): boolean {
    this.#arm();
    if (this.#leftMs > 0 && this.#queue.size === 0) {
      this.#leftMs -= this.#take(sender, bytes, binary);
      return true;
    }
    if (this.#mayHurry(sender, bytes)) {
      this.#hurried.add(sender);
      this.#smallLeftMs -= this.#take(sender, bytes, binary);
      return true;
    }
    // An empty frame waits too.
    const size = bytes.length + 1;
    if (sender.waitingBytes + size > intakeBytesMax || this.#waitingBytes + size > intakesBytesMax)
      return false;
    sender.waitingBytes += size;
    this.#waitingBytes += size;
    this.#queue.put(sender, { sender, bytes: bytes.slice(), binary });
    return true;
  }

  /** The connection is gone. */
  drop(sender: S): void {
    this.#queue.drop(sender);
    this.#waitingBytes -= sender.waitingBytes;
    sender.waitingBytes = 0;
  }

  #mayHurry(sender: S, bytes: Uint8Array): boolean {
    if (bytes.length > smallFrameBytes || this.#smallLeftMs <= 0) return false;
    return this.#queue.sizeOf(sender) === 0 && !this.#hurried.has(sender);
  }

  /** The time that it took, ms. */
  #take(sender: S, bytes: Uint8Array | undefined, binary: boolean): number {
    const began = this.#nowMs();
    const more = bytes === undefined ? this.#reader.resume(sender) : this.#reader.read(sender, bytes, binary);
    const took = this.#nowMs() - began;
    if (more) this.#queue.putBack(sender, { sender, bytes: undefined, binary });
    return took;
  }

  #arm(): void {
    if (this.#armed) return;
    this.#armed = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#armed = false;
    this.#leftMs = intakeMsPerTurn;
    this.#smallLeftMs = smallMsPerTurn;
    this.#hurried.clear();
    while (this.#leftMs > 0) {
      const frame = this.#queue.take();
      if (!frame) break;
      const { sender, bytes, binary } = frame;
      if (bytes !== undefined) {
        sender.waitingBytes -= bytes.length + 1;
        this.#waitingBytes -= bytes.length + 1;
      }
      this.#leftMs -= this.#take(sender, bytes, binary);
    }
    if (this.#queue.size > 0) this.#arm();
    else this.#leftMs = intakeMsPerTurn;
  }
}
