/**
 * Frames of `yifen.json`: text, UTF-8, for people, browsers and whatever has no MessagePack.
 *
 * JSON.parse takes the last of two equal keys, makes a `__proto__` field and rounds long integers. In a request about
 * money each of these is a mistake that must be named, so the text is refused as malformed, as `msgpack-check` does.
 */

import { isUtf8 } from "node:buffer";
import { formatMinor, scaleOf } from "../../actors/money.js";
import { type Refusal, resultOf } from "../../actors/results.js";
import {
  answerFrameBytes,
  arrayItemsMax,
  batchMax,
  mapFieldsMax,
  nestingMax,
} from "../../engine/seams/limits.js";
import type { OrderView, RequestId } from "../../engine/seams/requester.js";
import { viewToResult } from "../../engine/turns/order-result.js";
import {
  type Codec,
  type Frame,
  type Intake,
  isRequestId,
  type Malformed,
  type Outbox,
  readFrame,
} from "../edge/protocol.js";
import { messageOf } from "../edge/refusal-text.js";
import { isoTime } from "./iso-time.js";

export const jsonCodec: Codec = {
  name: "yifen.json",
  binary: false,
  decode: decodeJson,
  openOutbox: () => new JsonOutbox(),
};

function decodeJson(message: Uint8Array, intake: Intake): Frame | Malformed {
  const read = readJson(message);
  if ("value" in read) return readFrame(read.value, intake);
  return { malformed: read.malformed, id: readableId(read.text) };
}

/** The value of a text that no two readers can understand differently, or what is wrong with it. */
export function readJson(message: Uint8Array): { value: unknown } | { malformed: string; text: string } {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.length);
  const text = bytes.toString();
  if (!isUtf8(bytes)) return { malformed: "not UTF-8", text };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { malformed: "not JSON", text };
  }
  const walk: Walk = { fields: 0, reason: "" };
  if (!isPlain(value, 0, walk)) return { malformed: walk.reason, text };
  // The tree has as many fields as the text has colons outside its strings, unless one key hid another.
  if (walk.fields !== countColons(text)) return { malformed: "a key appears twice in one object", text };
  return { value };
}

/** The id of a single request whose first field it is, whatever follows. */
function readableId(text: string): RequestId | undefined {
  const found = /^\s*\{\s*"id"\s*:\s*(-?(?:0|[1-9][0-9]{0,15})|"[ !#-[\]-~]{1,64}")\s*[,}]/.exec(text);
  if (found === null) return undefined;
  const id: unknown = JSON.parse(found[1]!);
  return isRequestId(id) ? id : undefined;
}

interface Walk {
  fields: number;
  reason: string;
}

/** Whether a parsed value lying inside `depth` containers is one that MessagePack could have brought, too. */
function isPlain(value: unknown, depth: number, walk: Walk): boolean {
  if (typeof value === "string") return isText(value) || refuse(walk, "a string that is not Unicode");
  if (typeof value === "number") {
    if (!Number.isFinite(value)) return refuse(walk, "a number that is not finite");
    if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
      return refuse(walk, "an integer of more than 53 bits");
    }
    return true;
  }
  if (typeof value !== "object" || value === null) return true;
  if (depth >= nestingMax) return refuse(walk, `nested deeper than ${nestingMax}`);
  if (Array.isArray(value)) {
    if (value.length > arrayItemsMax) return refuse(walk, `an array of more than ${arrayItemsMax}`);
    for (const item of value) {
      if (!isPlain(item, depth + 1, walk)) return false;
    }
    return true;
  }
  const keys = Object.keys(value);
  if (keys.length > mapFieldsMax) return refuse(walk, `an object of more than ${mapFieldsMax} fields`);
  walk.fields += keys.length;
  for (const key of keys) {
    if (key === "__proto__") return refuse(walk, "the key __proto__");
    if (!isText(key)) return refuse(walk, "a key that is not Unicode");
    if (!isPlain((value as Record<string, unknown>)[key], depth + 1, walk)) return false;
  }
  return true;
}

function refuse(walk: Walk, reason: string): false {
  walk.reason = reason;
  return false;
}

/** An escape can make half of a surrogate pair, which has no UTF-8. */
function isText(text: string): boolean {
  return !loneSurrogate.test(text);
}

const loneSurrogate = /\p{Surrogate}/u;

/** Colons outside the strings of a text that JSON.parse has accepted. */
function countColons(text: string): number {
  let colons = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 0x3a) {
      colons++;
    } else if (c === 0x22) {
      for (i++; text.charCodeAt(i) !== 0x22; i++) {
        if (text.charCodeAt(i) === 0x5c) i++;
      }
    }
  }
  return colons;
}

class JsonOutbox implements Outbox {
  bytes = 0;
  /** Answers of the open array frame, comma between them. */
  #open = "";
  #openCount = 0;
  #arrays: string[] = [];
  #singles: string[] = [];

  order(id: RequestId, order: OrderView, replayed: boolean, batched: boolean): void {
    if (order.more) {
      this.result(id, viewToResult(order), replayed, batched);
      return;
    }
    this.#add(`${answerHead(id, 200, replayed)}"result":${orderText(order)}}`, batched);
  }

  result(id: RequestId, result: object, replayed: boolean, batched: boolean): void {
    this.#add(`${answerHead(id, 200, replayed)}"result":${JSON.stringify(result)}}`, batched);
  }

  refused(id: RequestId, refusal: Refusal, replayed: boolean, batched: boolean): void {
    const { code, status, retryable } = resultOf(refusal.code);
    const { executed = false, details } = refusal;
    const error = { code, message: messageOf(refusal), executed, retryable, details };
    this.#add(`${answerHead(id, status, replayed)}"error":${JSON.stringify(error)}}`, batched);
  }

  push(sub: number, seq: number, type: string, time: number, data: object): void {
    this.#add(`{"sub":${sub},"seq":${seq},${eventText(type, time, data)}}`, false);
  }

  clear(): void {
    this.bytes = 0;
    this.#open = "";
    this.#openCount = 0;
    this.#arrays = [];
    this.#singles = [];
  }

  take(): string[] {
    this.#closeArray();
    const frames = this.#singles.length === 0 ? this.#arrays : this.#arrays.concat(this.#singles);
    this.clear();
    return frames;
  }

  #add(answer: string, batched: boolean): void {
    this.bytes += answer.length;
    if (!batched) {
      this.#singles.push(answer);
      return;
    }
    this.#open = this.#openCount === 0 ? answer : `${this.#open},${answer}`;
    if (++this.#openCount === batchMax || this.#open.length > answerFrameBytes) this.#closeArray();
  }

  #closeArray(): void {
    if (this.#openCount === 0) return;
    this.#arrays.push(`[${this.#open}]`);
    this.#open = "";
    this.#openCount = 0;
  }
}

/** One event goes to everybody who listens, one after the other: it is written once. */
function eventText(type: string, time: number, data: object): string {
  if (data !== toldData) {
    toldText = JSON.stringify({ type, time: isoTime(time), data }).slice(1, -1);
    toldData = data;
  }
  return toldText;
}

let toldData: object | undefined;
let toldText = "";

function answerHead(id: RequestId, status: number, replayed: boolean): string {
  return `{"id":${typeof id === "number" ? id : quoted(id)},"status":${status},${replayed ? '"replayed":true,' : ""}`;
}

/** By hand: 530 ns for an order of one line against 1,880 ns for making the object and JSON.stringify. */
export function orderText(order: OrderView): string {
  const scale = scaleOf(order.currency);
  let lines = "";
  for (const line of order.lines) {
    lines += `${lines === "" ? "" : ","}{"product":${quoted(line.product)},"name":${quoted(line.name)},"qty":${line.qty},"unitPrice":"${formatMinor(line.unitPrice, scale)}","subtotal":"${formatMinor(line.subtotal, scale)}"}`;
  }
  let next = "";
  for (const event of order.next) next += `${next === "" ? "" : ","}"${event}"`;
  return (
    `{"order":${quoted(order.order)},"status":"${order.status}","version":${order.version},` +
    `"account":${quoted(order.account)},"lines":[${lines}],"total":"${formatMinor(order.total, scale)}",` +
    `"currency":"${order.currency}","amountPaid":"${formatMinor(order.amountPaid, scale)}",` +
    `"amountRefunded":"${formatMinor(order.amountRefunded, scale)}",` +
    `"payBy":${order.payBy === 0 ? "null" : `"${isoTime(order.payBy)}"`},` +
    `"createdAt":"${isoTime(order.createdAt)}","next":[${next}]}`
  );
}

/** Ids need no escape and names seldom do. */
function quoted(text: string): string {
  return plainText.test(text) ? `"${text}"` : JSON.stringify(text);
}

const plainText = /^[ !#-[\]-~]*$/;
