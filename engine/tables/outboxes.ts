/**
 * The durable half of the channels between shards: what was sent and not yet acknowledged, and how far each peer
 * was heard. All of it follows from facts; `channel` is the half that moves frames.
 *
 * OUTBOXES-1  A message has a number from the moment its fact is applied: its place among all sent to that peer, from 1.
 * OUTBOXES-2  Messages leave an outbox in order, and only by an acknowledgement.
 * OUTBOXES-3  `heardUpTo` moves by one message at a time, in the turn that holds the message's effect.
 */

export interface Outbox {
  /** Number of the first message in `unacked`. */
  firstUnacked: number;
  unacked: Uint8Array[];
}

export class Outboxes {
  readonly outboxes = new Map<number, Outbox>();
  readonly heardUpTo = new Map<number, number>();

  /** Asking leaves no trace: the books hold an outbox from its first message on, as their log says. */
  to(peer: number): Readonly<Outbox> {
    return this.outboxes.get(peer) ?? { firstUnacked: 1, unacked: [] };
  }

  sent(peer: number, body: Uint8Array): void {
    const outbox = this.outboxes.get(peer);
    if (outbox) outbox.unacked.push(body);
    else this.outboxes.set(peer, { firstUnacked: 1, unacked: [body] });
  }

  acked(peer: number, upTo: number): void {
    const outbox = this.outboxes.get(peer);
    const count = upTo - (outbox?.firstUnacked ?? 1) + 1;
    if (!outbox || count < 0 || count > outbox.unacked.length)
      throw new Error(`peer ${peer} acknowledged ${upTo}, never sent`);
    outbox.unacked.splice(0, count);
    outbox.firstUnacked = upTo + 1;
  }

  heard(peer: number): number {
    return this.heardUpTo.get(peer) ?? 0;
  }
}
