/**
 * Reliable messages between two shards, over a bus that promises nothing. The log is the outbox (`outboxes`); this is the
 * half that moves frames, and all of it may be forgotten at any time.
 *
 *   frame   uint sender, uint ack (last message of the receiver that the sender holds durably), uint number of the first
 *           message, uint count, then each message as uint length and bytes
 *
 * CHANNEL-1  A frame carries only messages and acknowledgements that are durable at the sender.
 * CHANNEL-2  What is not acknowledged is sent again after `channelRetryMs`, from the first message that is missing.
 * CHANNEL-3  A receiver takes message n+1 after message n and ignores everything else; losing this file's memory at any moment
 *            therefore costs a repetition and nothing more.
 */

import { ByteReader } from "../../actors/byte-reader.js";
import { ByteWriter } from "../../actors/byte-writer.js";
import type { Bus } from "../seams/bus.js";
import { channelFrameBytes, channelRetryMs } from "../seams/limits.js";
import type { Outbox, Outboxes } from "../tables/outboxes.js";

interface Peer {
  /** Number of the last message sent in a frame since the last repetition. */
  sentUpTo: number;
  /** The message that is waited for: the first that is not acknowledged. */
  awaited: number;
  /** When it was last sent, or became the first. Later messages do not count: a steady flow must not hide a loss. */
  awaitedSinceMs: number;
  ackOwed: boolean;
}

export interface Frame {
  readonly sender: number;
  readonly ack: number;
  readonly first: number;
  readonly messages: readonly Uint8Array[];
}

export class Channels {
  #peers = new Map<number, Peer>();
  readonly #shard: number;
  readonly #outboxes: Outboxes;
  readonly #bus: Bus;

  constructor(shard: number, outboxes: Outboxes, bus: Bus) {
    this.#shard = shard;
    this.#outboxes = outboxes;
    this.#bus = bus;
  }

  /** A frame of this peer arrived: it wants to hear how far it was heard, also when all of it was known. */
  oweAck(peer: number): void {
    this.#peer(peer).ackOwed = true;
  }

  /** Sends what is new, what is owed and what is overdue. Called when everything in the books is durable. */
  send(nowMs: number): void {
    for (const [peer, outbox] of this.#outboxes.outboxes) this.#sendTo(peer, outbox, nowMs);
    for (const [peer, state] of this.#peers)
      if (state.ackOwed) this.#sendTo(peer, this.#outboxes.to(peer), nowMs);
  }

  /** When something has to be sent again (ms), or Infinity. */
  get nextDue(): number {
    let due = Number.POSITIVE_INFINITY;
    for (const [peer, { unacked }] of this.#outboxes.outboxes) {
      if (unacked.length > 0) due = Math.min(due, this.#peer(peer).awaitedSinceMs + channelRetryMs);
    }
    return due;
  }

  #sendTo(peer: number, outbox: Outbox, nowMs: number): void {
    const state = this.#peer(peer);
    const last = outbox.firstUnacked + outbox.unacked.length - 1;
    if (state.sentUpTo < outbox.firstUnacked - 1) state.sentUpTo = outbox.firstUnacked - 1;
    if (state.awaited !== outbox.firstUnacked) {
      state.awaited = outbox.firstUnacked;
      state.awaitedSinceMs = nowMs;
    } else if (last >= outbox.firstUnacked && nowMs - state.awaitedSinceMs >= channelRetryMs) {
      state.sentUpTo = outbox.firstUnacked - 1;
    }
    while (state.sentUpTo < last || state.ackOwed) {
      const from = state.sentUpTo + 1 - outbox.firstUnacked;
      let until = from;
      for (let bytes = 0; until < outbox.unacked.length && bytes < channelFrameBytes; until++) {
        bytes += outbox.unacked[until]!.length;
      }
      const messages = outbox.unacked.slice(from, until);
      const frame = {
        sender: this.#shard,
        ack: this.#outboxes.heard(peer),
        first: state.sentUpTo + 1,
        messages,
      };
      state.sentUpTo += messages.length;
      state.ackOwed = false;
      if (messages.length > 0 && frame.first === state.awaited) state.awaitedSinceMs = nowMs;
      this.#bus.send(peer, encodeFrame(frame));
    }
  }

  #peer(peer: number): Peer {
    const known = this.#peers.get(peer);
    if (known) return known;
    const state: Peer = {
      sentUpTo: 0,
      awaited: 0,
      awaitedSinceMs: Number.NEGATIVE_INFINITY,
      ackOwed: false,
    };
    this.#peers.set(peer, state);
    return state;
  }
}

export function encodeFrame(frame: Frame): Uint8Array {
  const to = new ByteWriter(1024);
  to.uint(frame.sender);
  to.uint(frame.ack);
  to.uint(frame.first);
  to.uint(frame.messages.length);
  for (const message of frame.messages) {
    to.uint(message.length);
    to.raw(message);
  }
  return to.view().slice();
}

/** Undefined when the bytes are not a whole frame: as good as lost. */
export function decodeFrame(bytes: Uint8Array): Frame | undefined {
  try {
    const from = new ByteReader(bytes);
    const sender = from.uint();
    const ack = from.uint();
    const first = from.uint();
    const messages = Array.from({ length: from.uint() }, () => from.raw(from.uint()));
    return { sender, ack, first, messages };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
