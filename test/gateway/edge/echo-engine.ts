/** A twin of the engine for tests of the edge: keeps what was submitted, answers when told to, owns no books. */

import { refuse } from "../../../actors/results.js";
import { type Command, storedAnswerOnly } from "../../../engine/seams/commands.js";
import type { OrderView, Requester } from "../../../engine/seams/requester.js";
import type { PaymentSecrets } from "../../../gateway/edge/payment-signature.js";
import type { Codec } from "../../../gateway/edge/protocol.js";
import {
  type Engine,
  newSessionCounters,
  Session,
  type SessionCounters,
} from "../../../gateway/edge/session.js";

export class EchoEngine implements Engine {
  readonly shards: number;
  readonly submitted: Command[] = [];
  readonly closedRequesters: Requester[] = [];
  /** Commands submitted since the start. */
  count = 0;
  /** Answer in the next turn of the event loop without being told. */
  auto = false;
  /** Nothing stands under any key: what is asked for its stored answer only is refused. */
  refusesStored = false;
  #scheduled = false;

  constructor(shards = 1) {
    this.shards = shards;
  }

  route(command: Command): number {
    return "account" in command && command.account !== undefined ? command.account.length % this.shards : 0;
  }

  submit(_shard: number, command: Command): void {
    if (command.refuseAfter === storedAnswerOnly && this.refusesStored) {
      setImmediate(() => {
        command.requester.refused(command.id, refuse("shutting_down"), false);
        command.requester.flush();
      });
      return;
    }
    this.submitted.push(command);
    this.count++;
    if (!this.auto || this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.answerAll();
    });
  }

  closed(_shard: number, requester: Requester): void {
    this.closedRequesters.push(requester);
  }

  nowMicros(): number {
    return 1_000_000;
  }

  wallMs(): number {
    return 1000;
  }

  /** Answers everything submitted and flushes, as the engine does once a group is durable. */
  answerAll(): void {
    const flushed = new Set<Requester>();
    for (const command of this.submitted.splice(0)) {
      this.answer(command);
      flushed.add(command.requester);
    }
    for (const requester of flushed) requester.flush();
  }

  /** An order for order.place, the command itself for anything else. */
  answer(command: Command): void {
    if (command.method === "order.place") {
      command.requester.order(command.id, orderOf(command.account, command.key, command.lines), false);
      return;
    }
    const { requester, ...echo } = command;
    requester.result(command.id, echo, false);
  }
}

export function orderOf(
  account: string,
  order: string,
  lines: { product: string; qty: number }[],
): OrderView {
  return {
    order,
    status: "Created",
    version: 1,
    account,
    lines: lines.map(({ product, qty }) => ({
      product,
      qty,
      name: `Name of ${product}`,
      unitPrice: 9999,
      subtotal: 9999 * qty,
    })),
    total: lines.reduce((sum, { qty }) => sum + 9999 * qty, 0),
    currency: "CNY",
    amountPaid: 0,
    amountRefunded: 0,
    payBy: 1_790_000_900_000,
    createdAt: 1_790_000_000_000,
    next: ["pay", "cancel"],
    more: undefined,
  };
}

/** A session whose transport keeps copies of what it is handed. */
export interface Wired {
  readonly session: Session;
  readonly engine: EchoEngine;
  readonly counters: SessionCounters;
  readonly frames: (string | Uint8Array)[];
  readonly ends: { code: number; reason: string }[];
  readonly defects: unknown[];
  /** False: the peer does not read. */
  takes: boolean;
}

export function wire(codec: Codec, engine = new EchoEngine(), signing: PaymentSecrets = new Map()): Wired {
  const frames: (string | Uint8Array)[] = [];
  const ends: { code: number; reason: string }[] = [];
  const defects: unknown[] = [];
  const counters = newSessionCounters();
  const transport = {
    send(more: (string | Uint8Array)[]): boolean {
      if (!wired.takes) return false;
      for (const frame of more) frames.push(typeof frame === "string" ? frame : Buffer.from(frame));
      return true;
    },
    end: (code: number, reason: string) => void ends.push({ code, reason }),
  };
  const session = new Session(codec, transport, engine, counters, (defect) => defects.push(defect), signing);
  const wired: Wired = { session, engine, counters, frames, ends, defects, takes: true };
  return wired;
}

/** Lets what sessions have put off happen. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
