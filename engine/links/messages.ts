/**
 * What shards say to each other about an order that crosses them. Written into the sender's log and read from the
 * frame, so the layouts follow the same rule as the facts: a kind's number and layout never change.
 */

import { ByteReader } from "../../actors/byte-reader.js";
import { ByteWriter } from "../../actors/byte-writer.js";
import { type Mode, modes } from "../../actors/facts.js";
import {
  type FenceCall,
  fenceCalls,
  type Participant,
  participants,
} from "../../actors/transactions/fence.js";

export type Message =
  /** Coordinator to product: hold this for me. */
  | { kind: "try"; order: number; branch: number; product: string; qty: number; account: string }
  /** Product to coordinator: code 0 = held at this price, else a number of `results` and its details as JSON. */
  | {
      kind: "answered";
      order: number;
      branch: number;
      code: number;
      unitPrice: number;
      currency: number;
      name: string;
      text: string;
    }
  /** Coordinator to product: sold. */
  | { kind: "confirm"; order: number; branch: number }
  /** Coordinator to product: give it back, or never mind. */
  | { kind: "cancel"; order: number; branch: number }
  /** A transaction's coordinator to the actor of a part; `order` is the transaction's number here and below. */
  | {
      kind: "part";
      order: number;
      branch: number;
      mode: Mode;
      call: FenceCall;
      what: Participant;
      subject: string;
      account: string;
      amount: number;
      currency: number;
      to: number;
      deadline: number;
    }
  /** And its answer: code 0 = ok and a result as JSON, else a number of `results` and its details as JSON. */
  | { kind: "reply"; order: number; branch: number; call: FenceCall; code: number; text: string }
  /** Actor to coordinator: what became of it? */
  | { kind: "outcomeQuery"; order: number; branch: number }
  /** The same three for an order in saga mode: sell at once; that was right; compensate. */
  | { kind: "sell"; order: number; branch: number; product: string; qty: number; account: string }
  | { kind: "finalize" | "compensate"; order: number; branch: number }
  /** Coordinator to product: units that were sold come back from a refund. */
  | { kind: "return"; order: number; branch: number; product: string; qty: number; account: string }
  /** The shard of a payment's name to its order's: here is the money. `order` is the order's number, `branch` the payment's. */
  | {
      kind: "payment";
      order: number;
      branch: number;
      provider: string;
      paymentId: string;
      reference: string;
      currency: number;
      amount: number;
    }
  /** And back: what became of it, as JSON. */
  | { kind: "settled"; order: number; branch: number; provider: string; paymentId: string; text: string };

export type MessageOf<K extends Message["kind"]> = Extract<Message, { kind: K }>;

const kinds = {
  try: 1,
  answered: 2,
  confirm: 3,
  cancel: 4,
  return: 5,
  sell: 6,
  finalize: 7,
  compensate: 8,
  part: 10,
  reply: 11,
  outcomeQuery: 12,
  payment: 20,
  settled: 21,
} as const;

export function encodeMessage(message: Message): Uint8Array {
  const to = new ByteWriter(256);
  to.byte(kinds[message.kind]);
  to.uint(message.order);
  to.uint(message.branch);
  if (message.kind === "try" || message.kind === "sell" || message.kind === "return") {
    to.text(message.product);
    to.uint(message.qty);
    to.text(message.account);
  } else if (message.kind === "answered") {
    to.uint(message.code);
    to.uint(message.unitPrice);
    to.uint(message.currency);
    to.text(message.name);
    to.text(message.text);
  } else if (message.kind === "part") {
    to.uint(modes[message.mode]);
    to.uint(fenceCalls[message.call]);
    to.uint(participants[message.what]);
    to.text(message.subject);
    to.text(message.account);
    to.uint(message.amount);
    to.uint(message.currency);
    to.uint(message.to);
    to.uint(message.deadline);
  } else if (message.kind === "reply") {
    to.uint(fenceCalls[message.call]);
    to.uint(message.code);
    to.text(message.text);
  } else if (message.kind === "payment") {
    to.text(message.provider);
    to.text(message.paymentId);
    to.text(message.reference);
    to.uint(message.currency);
    to.uint(message.amount);
  } else if (message.kind === "settled") {
    to.text(message.provider);
    to.text(message.paymentId);
    to.text(message.text);
  }
  return to.view().slice();
}

/** Throws RangeError on bytes that no build up to this one has written. */
export function decodeMessage(bytes: Uint8Array): Message {
  const from = new ByteReader(bytes);
  const kind = from.byte();
  const order = from.uint();
  const branch = from.uint();
  switch (kind) {
    case kinds.try:
      return { kind: "try", order, branch, product: from.text(), qty: from.uint(), account: from.text() };
    case kinds.payment: {
      const [provider, paymentId, reference] = [from.text(), from.text(), from.text()];
      const [currency, amount] = [from.uint(), from.uint()];
      return { kind: "payment", order, branch, provider, paymentId, reference, currency, amount };
    }
    case kinds.settled:
      return {
        kind: "settled",
        order,
        branch,
        provider: from.text(),
        paymentId: from.text(),
        text: from.text(),
      };
    case kinds.return:
      return { kind: "return", order, branch, product: from.text(), qty: from.uint(), account: from.text() };
    case kinds.sell:
      return { kind: "sell", order, branch, product: from.text(), qty: from.uint(), account: from.text() };
    case kinds.finalize:
      return { kind: "finalize", order, branch };
    case kinds.compensate:
      return { kind: "compensate", order, branch };
    case kinds.answered:
      return {
        kind: "answered",
        order,
        branch,
        code: from.uint(),
        unitPrice: from.uint(),
        currency: from.uint(),
        name: from.text(),
        text: from.text(),
      };
    case kinds.confirm:
      return { kind: "confirm", order, branch };
    case kinds.cancel:
      return { kind: "cancel", order, branch };
    case kinds.part:
      return {
        ...{ kind: "part", order, branch },
        mode: nameOf(modes, from.uint()),
        call: nameOf(fenceCalls, from.uint()),
        what: nameOf(participants, from.uint()),
        subject: from.text(),
        account: from.text(),
        amount: from.uint(),
        currency: from.uint(),
        to: from.uint(),
        deadline: from.uint(),
      };
    case kinds.reply: {
      const call = nameOf(fenceCalls, from.uint());
      return { kind: "reply", order, branch, call, code: from.uint(), text: from.text() };
    }
    case kinds.outcomeQuery:
      return { kind: "outcomeQuery", order, branch };
    default:
      throw new RangeError(`message kind ${kind} is not known to this build`);
  }
}

function nameOf<T extends Readonly<Record<string, number>>>(numbers: T, number: number): keyof T & string {
  for (const name in numbers) if (numbers[name] === number) return name;
  throw new RangeError(`number ${number} is not known to this build`);
}
