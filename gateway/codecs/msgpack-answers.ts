/**
 * The bytes of one answer or push, without the objects that an encoder would want. Each `put` is told where to start,
 * returns where it ended, and needs as many bytes as its `...BytesMax` says.
 */

import { scaleOf } from "../../actors/money.js";
import { type Code, type Refusal, resultOf } from "../../actors/results.js";
import type { OrderView, RequestId } from "../../engine/seams/requester.js";
import { messageOf } from "../edge/refusal-text.js";
import { isoSecond, isoTime } from "./iso-time.js";
import {
  putAmount,
  putArrayHead,
  putInt,
  putRaw,
  putText,
  putValue,
  type Raw,
  rawOf,
  textBytesMax,
  valueBytesMax,
} from "./msgpack-writer.js";

/** The constant parts of the longest answer (an order without its strings: 330), and a string id of 64 x 3 bytes. */
const constantBytesMax = 640;

/** A field's name as MessagePack; names are ASCII and shorter than 32. */
function name(text: string): string {
  return String.fromCharCode(0xa0 | text.length) + text;
}

const status200 = `${name("status")}\xcc\xc8`;
const replayedTrue = `${name("replayed")}\xc3`;

const idOf3 = rawOf(`\x83${name("id")}`);
const idOf4 = rawOf(`\x84${name("id")}`);
const result = rawOf(status200 + name("result"));
const resultReplayed = rawOf(status200 + replayedTrue + name("result"));

function putId(bytes: Buffer, view: DataView, at: number, id: RequestId, replayed: boolean): number {
  const next = putRaw(view, at, replayed ? idOf4 : idOf3);
  return typeof id === "number" ? putInt(bytes, next, id) : putText(bytes, next, id);
}

export function resultBytesMax(value: object): number {
  return constantBytesMax + valueBytesMax(value);
}

export function putResult(
  bytes: Buffer,
  view: DataView,
  start: number,
  id: RequestId,
  value: object,
  replayed: boolean,
): number {
  const at = putId(bytes, view, start, id, replayed);
  return putValue(bytes, putRaw(view, at, replayed ? resultReplayed : result), value);
}

/** What is the same in every refusal with one code and one `executed`. */
interface RefusalParts {
  readonly status: Raw;
  readonly statusReplayed: Raw;
  readonly error: Raw;
  readonly errorThenDetails: Raw;
}

const refusalPartsOf = {
  false: new Map<Code, RefusalParts>(),
  unknown: new Map<Code, RefusalParts>(),
};

function refusalParts(refusal: Refusal): RefusalParts {
  const { code, executed = false } = refusal;
  const known = refusalPartsOf[`${executed}`].get(code);
  if (known !== undefined) return known;
  const { status, meaning, retryable } = resultOf(code);
  const statusField = name("status") + encoded(status);
  // The fields of a map of 4, without its head: with details it is a map of 5.
  const fields = encoded({ code, message: meaning, executed, retryable }).slice(1);
  const parts = {
    status: rawOf(statusField),
    statusReplayed: rawOf(statusField + replayedTrue),
    error: rawOf(`${name("error")}\x84${fields}`),
    errorThenDetails: rawOf(`${name("error")}\x85${fields}${name("details")}`),
  };
  refusalPartsOf[`${executed}`].set(code, parts);
  return parts;
}

function encoded(value: unknown): string {
  const bytes = Buffer.alloc(valueBytesMax(value));
  return bytes.toString("latin1", 0, putValue(bytes, 0, value));
}

export function refusalBytesMax(refusal: Refusal): number {
  if (refusal.details === undefined) return constantBytesMax;
  return constantBytesMax + valueBytesMax(refusal.details) + textBytesMax(messageOf(refusal));
}

export function putRefusal(
  bytes: Buffer,
  view: DataView,
  start: number,
  id: RequestId,
  refusal: Refusal,
  replayed: boolean,
): number {
  const parts = refusalParts(refusal);
  let at = putId(bytes, view, start, id, replayed);
  at = putRaw(view, at, replayed ? parts.statusReplayed : parts.status);
  const { details } = refusal;
  if (details === undefined) return putRaw(view, at, parts.error);
  if (typeof details.reason === "string") return putReason(bytes, putRaw(view, at, errorField), refusal);
  return putValue(bytes, putRaw(view, at, parts.errorThenDetails), details);
}

/** A refusal that says more than its code does. */
function putReason(bytes: Buffer, at: number, refusal: Refusal): number {
  const { code, retryable } = resultOf(refusal.code);
  const { details, executed = false } = refusal;
  return putValue(bytes, at, { code, message: messageOf(refusal), executed, retryable, details });
}

const errorField = rawOf(name("error"));

const subField = rawOf(`\x85${name("sub")}`);
const seqField = rawOf(name("seq"));
const typeField = rawOf(name("type"));
const timeField = rawOf(name("time"));
const dataField = rawOf(name("data"));

export function pushBytesMax(type: string, data: object): number {
  return constantBytesMax + textBytesMax(type) + valueBytesMax(data);
}

export function putPush(
  bytes: Buffer,
  view: DataView,
  start: number,
  sub: number,
  seq: number,
  type: string,
  time: number,
  data: object,
): number {
  let at = putInt(bytes, putRaw(view, start, subField), sub);
  at = putInt(bytes, putRaw(view, at, seqField), seq);
  at = putText(bytes, putRaw(view, at, typeField), type);
  at = putText(bytes, putRaw(view, at, timeField), isoTime(time));
  return putValue(bytes, putRaw(view, at, dataField), data);
}

// The order, in the order in which its fields are written.

const orderField = rawOf(`${status200 + name("result")}\x8c${name("order")}`);
const orderFieldReplayed = rawOf(`${status200 + replayedTrue + name("result")}\x8c${name("order")}`);
const statusField = rawOf(name("status"));
const versionField = rawOf(name("version"));
const accountField = rawOf(name("account"));
const linesField = rawOf(name("lines"));
const productField = rawOf(`\x85${name("product")}`);
const nameField = rawOf(name("name"));
const qtyField = rawOf(name("qty"));
const unitPriceField = rawOf(name("unitPrice"));
const subtotalField = rawOf(name("subtotal"));
const totalField = rawOf(name("total"));
const currencyField = rawOf(name("currency"));
const amountPaidField = rawOf(name("amountPaid"));
const amountRefundedField = rawOf(name("amountRefunded"));
const payByField = rawOf(name("payBy"));
const createdAtField = rawOf(name("createdAt"));

export function orderBytesMax(id: RequestId, order: OrderView): number {
  let chars = order.order.length + order.status.length + order.account.length + order.currency.length;
  if (typeof id === "string") chars += id.length;
  for (const line of order.lines) chars += line.product.length + line.name.length;
  for (const event of order.next) chars += event.length;
  return constantBytesMax + chars * 3 + order.lines.length * 128 + order.next.length * 5;
}

/** One order of one line: 490 ns; making the object and packing it with msgpackr: 2,030 ns. */
export function putOrder(
  bytes: Buffer,
  view: DataView,
  start: number,
  id: RequestId,
  order: OrderView,
  replayed: boolean,
): number {
  const scale = scaleOf(order.currency);
  let at = putId(bytes, view, start, id, replayed);
  at = putText(bytes, putRaw(view, at, replayed ? orderFieldReplayed : orderField), order.order);
  at = putText(bytes, putRaw(view, at, statusField), order.status);
  at = putInt(bytes, putRaw(view, at, versionField), order.version);
  at = putText(bytes, putRaw(view, at, accountField), order.account);
  at = putLines(bytes, view, putRaw(view, at, linesField), order, scale);
  at = putAmount(bytes, putRaw(view, at, totalField), order.total, scale);
  at = putText(bytes, putRaw(view, at, currencyField), order.currency);
  at = putAmount(bytes, putRaw(view, at, amountPaidField), order.amountPaid, scale);
  at = putAmount(bytes, putRaw(view, at, amountRefundedField), order.amountRefunded, scale);
  at = putRaw(view, at, payByField);
  if (order.payBy === 0) bytes[at++] = 0xc0;
  else at = putTime(bytes, at, order.payBy);
  at = putTime(bytes, putRaw(view, at, createdAtField), order.createdAt);
  return putRaw(view, at, nextOf(order.next));
}

/** The field `next` as bytes: the engine's lists are few, and the same objects every time. */
const nexts = new WeakMap<readonly string[], Raw>();

function nextOf(next: readonly string[]): Raw {
  const known = nexts.get(next);
  if (known !== undefined) return known;
  const raw = rawOf(name("next") + encoded(next));
  nexts.set(next, raw);
  return raw;
}

function putLines(bytes: Buffer, view: DataView, start: number, order: OrderView, scale: number): number {
  const { lines } = order;
  let at = putArrayHead(bytes, start, lines.length);
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!;
    at = putText(bytes, putRaw(view, at, productField), line.product);
    at = putText(bytes, putRaw(view, at, nameField), line.name);
    at = putInt(bytes, putRaw(view, at, qtyField), line.qty);
    at = putAmount(bytes, putRaw(view, at, unitPriceField), line.unitPrice, scale);
    at = putAmount(bytes, putRaw(view, at, subtotalField), line.subtotal, scale);
  }
  return at;
}

/** An ISO time is 24 characters. */
function putTime(bytes: Buffer, at: number, ms: number): number {
  const second = isoSecond(ms);
  bytes[at] = 0xb8;
  for (let i = 0; i < 20; i++) bytes[at + 1 + i] = second.charCodeAt(i);
  const rest = ms - Math.floor(ms / 1000) * 1000;
  const tens = (rest / 10) | 0;
  const hundreds = (rest / 100) | 0;
  bytes[at + 21] = 0x30 + hundreds;
  bytes[at + 22] = 0x30 + (tens - hundreds * 10);
  bytes[at + 23] = 0x30 + (rest - tens * 10);
  bytes[at + 24] = 0x5a;
  return at + 25;
}
