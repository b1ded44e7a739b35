/**
 * A request between bytes and command. Codecs turn a frame into plain values, `readRequest` turns a value into what
 * to do about it; `encode` of the answers is the codecs' again. Same shape in every encoding:
 *
 *   request  {"id": 7, "method": "order.place", "params": {...}, "deadlineMs": 500}     deadlineMs is optional
 *   answer   {"id": 7, "status": 200, "result": {...}}                                  a replay: "replayed": true
 *   refusal  {"id": 7, "status": 409, "error": {"code", "message", "executed", "retryable", "details"}}
 *   push     {"sub": 3, "seq": 1042, "type": "order.paid", "time": "...", "data": {...}}
 */

import { type Refusal, refuse } from "../../actors/results.js";
import type { Command, LineInput, PlaceOrder } from "../../engine/seams/commands.js";
import { deadlineMsMax, requestIdCharsMax } from "../../engine/seams/limits.js";
import type { OrderView, Requester, RequestId } from "../../engine/seams/requester.js";
import { checkParams, isMethod, type Method, type Params } from "./schemas.js";

/** What the edge answers itself: `session.ping` (refusal undefined), or a request that never gets further. */
export interface AnsweredAtEdge {
  readonly method: "answered at edge";
  readonly id: RequestId;
  readonly refusal: Refusal | undefined;
}

export type Asked = Command | AnsweredAtEdge;

/** A frame whose every request can be answered. */
export interface Frame {
  /** It was an array: its answers go out in array frames. */
  readonly batched: boolean;
  readonly requests: Asked[];
}

/** A frame of which nothing is executed. Answered `invalid_request` under `id`, or closed with 4400 without one. */
export interface Malformed {
  readonly malformed: string;
  readonly id: RequestId | undefined;
}

/** What a codec must know to make commands. */
export interface Intake {
  /** Put into each command until the command's shard is known. */
  readonly requester: Requester;
  /** Engine time in microseconds; read only for a request with `deadlineMs`. */
  nowMicros(): number;
}

/** Answers of one connection and shard, encoded as they come, kept until they may leave. */
export interface Outbox {
  /** Bytes (JSON: characters) kept. */
  readonly bytes: number;
  order(id: RequestId, order: OrderView, replayed: boolean, batched: boolean): void;
  result(id: RequestId, result: object, replayed: boolean, batched: boolean): void;
  refused(id: RequestId, refusal: Refusal, replayed: boolean, batched: boolean): void;
  push(sub: number, seq: number, type: string, time: number, data: object): void;
  /** Forgets everything kept. */
  clear(): void;
  /**
   * Takes out everything kept as finished frames: first the array frames, then the single ones, each in the order given
   * (so a push never overtakes the answer to its subscription). Views, valid until the next call on this outbox.
   */
  take(): (string | Uint8Array)[];
}

export interface Codec {
  /** The WebSocket subprotocol. */
  readonly name: "yifen.json" | "yifen.msgpack";
  readonly binary: boolean;
  decode(bytes: Uint8Array, intake: Intake): Frame | Malformed;
  openOutbox(): Outbox;
}

/** A request's id: a safe integer, or 1..64 characters. */
export function isRequestId(value: unknown): value is RequestId {
  return typeof value === "string"
    ? value.length > 0 && value.length <= requestIdCharsMax
    : Number.isSafeInteger(value);
}

/** Reads one decoded request; undefined when it has no id under which it could be answered. */
export function readRequest(value: unknown, intake: Intake): Asked | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const { id, method, params, deadlineMs } = value as Record<string, unknown>;
  if (!isRequestId(id)) return undefined;
  for (const field of Object.keys(value)) {
    if (!envelopeFields.has(field)) return invalid(id, field.slice(0, 120), "unknown field");
  }
  if (!isMethod(method)) return invalid(id, "method", "unknown method");
  if (deadlineMs !== undefined && !isDeadline(deadlineMs)) {
    return invalid(id, "deadlineMs", `must be an integer from 1 to ${deadlineMsMax}`);
  }
  const checked = params === undefined ? {} : params;
  const refusal = checkParams(method, checked);
  if (refusal !== undefined) return { method: "answered at edge", id, refusal };
  const refuseAfter = deadlineMs === undefined ? 0 : intake.nowMicros() + deadlineMs * 1000;
  const build = builders[method] as Build<Method>;
  return build(intake.requester, id, refuseAfter, checked as Params<Method>);
}

/** Reads the value of a whole frame: one request, or an array of at least one. */
export function readFrame(value: unknown, intake: Intake): Frame | Malformed {
  const batched = Array.isArray(value);
  const values: unknown[] = batched ? value : [value];
  if (values.length === 0) return { malformed: "an empty array", id: undefined };
  const requests: Asked[] = [];
  for (const each of values) {
    const asked = readRequest(each, intake);
    if (asked === undefined) return withoutId;
    requests.push(asked);
  }
  return { batched, requests };
}

export const withoutId: Malformed = { malformed: "a request without a usable id", id: undefined };

const envelopeFields = new Set(["id", "method", "params", "deadlineMs"]);

function isDeadline(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= deadlineMsMax;
}

function invalid(id: RequestId, path: string, reason: string): AnsweredAtEdge {
  return { method: "answered at edge", id, refusal: refuse("invalid_request", { path, reason }) };
}

/** The one place where a PlaceOrder is made, so that all of them have one hidden class. */
export function makePlaceOrder(
  requester: Requester,
  id: RequestId,
  refuseAfter: number,
  account: string,
  key: string,
  lines: LineInput[],
  pay: "later" | "balance",
  mode: "tcc" | "saga",
  payWithinMs: number | undefined,
  expectedTotal: string | undefined,
  at: number | undefined,
  dryRun: boolean,
): PlaceOrder {
  return {
    requester,
    id,
    refuseAfter,
    method: "order.place",
    account,
    key,
    lines,
    pay,
    mode,
    payWithinMs,
    expectedTotal,
    at,
    dryRun,
  };
}

type Build<M extends Method> = (
  requester: Requester,
  id: RequestId,
  refuseAfter: number,
  params: Params<M>,
) => Asked;

const builders: { readonly [M in Method]: Build<M> } = {
  "session.ping": (_requester, id) => ({ method: "answered at edge", id, refusal: undefined }),
  "order.place": (requester, id, refuseAfter, p) =>
    makePlaceOrder(
      requester,
      id,
      refuseAfter,
      p.account,
      p.key,
      p.lines,
      p.pay ?? "later",
      p.mode ?? "tcc",
      p.payWithinMs,
      p.expectedTotal,
      p.at,
      p.dryRun ?? false,
    ),
  "order.pay": (requester, id, refuseAfter, p) => ({
    requester,
    id,
    refuseAfter,
    method: "order.pay",
    key: p.key,
    order: p.order,
    at: p.at,
  }),
  "order.cancel": (requester, id, refuseAfter, p) => ({
    requester,
    id,
    refuseAfter,
    method: "order.cancel",
    key: p.key,
    order: p.order,
    reason: p.reason,
    at: p.at,
  }),
  "order.advance": (requester, id, refuseAfter, p) => ({
    requester,
    id,
    refuseAfter,
    method: "order.advance",
    key: p.key,
    order: p.order,
    event: p.event,
    tracking: p.tracking,
    remark: p.remark,
    operator: p.operator,
    version: p.version,
    resolution: p.resolution,
    restock: p.restock ?? false,
    at: p.at,
  }),
  "order.refund": (requester, id, refuseAfter, p) => ({
    requester,
    id,
    refuseAfter,
    method: "order.refund",
    key: p.key,
    order: p.order,
    lines: p.lines,
    amount: p.amount,
    reason: p.reason,
    restock: p.restock ?? false,
    operator: p.operator,
    version: p.version,
    at: p.at,
  }),
  "refund.get": (requester, id, refuseAfter, p) => ({
    requester,
    id,
    refuseAfter,
    method: "refund.get",
    refund: p.refund,
  }),
  "refund.report": (requester, id, refuseAfter, p) => ({
    requester,
    id,
    refuseAfter,
    method: "refund.report",
    refund: p.refund,
    outcome: p.outcome,
    ref: p.ref,
  }),
  "payment.notify": (requester, id, refuseAfter, p) => ({
    requester,
    id,
    refuseAfter,
    method: "payment.notify",
    provider: p.provider,
    paymentId: p.paymentId,
    order: p.order,
    amount: p.amount,
    currency: p.currency,
  }),
  "points.spend": (requester, id, refuseAfter, p) => ({
    requester,
    id,
    refuseAfter,
    method: "points.spend",
    account: p.account,
    points: p.points,
    ref: p.ref,
  }),
  "token.issue": (requester, id, refuseAfter) => ({ requester, id, refuseAfter, method: "token.issue" }),
  "human.list": (requester, id, refuseAfter, p) => ({
    requester,
    id,
    refuseAfter,
    method: "human.list",
    state: p.state,
    cursor: p.cursor,
    limit: p.limit,
  }),
  "human.get": (requester, id, refuseAfter, p) => ({
    requester,
    id,
    refuseAfter,
    method: "human.get",
    item: p.item,
  }),
  "human.resolve": (requester, id, refuseAfter, p) => ({
    requester,
    id,
    refuseAfter,
    method: "human.resolve",
    item: p.item,
    action: p.action,
    reason: p.reason,
    evidence: p.evidence,
    order: p.order,
    entries: p.entries,
    operator: p.operator,
  }),
  "transaction.begin": (requester, id, refuseAfter, p) => ({
    requester,
    id,
    refuseAfter,
    method: "transaction.begin",
    key: p.key,
    account: p.account,
    name: p.name,
    input: p.input,
    deadlineMs: p.deadlineMs,
    wait: p.wait ?? true,
    at: p.at,
  }),
  "transaction.get": (requester, id, refuseAfter, p) => ({
    requester,
    id,
    refuseAfter,
    method: "transaction.get",
    transaction: p.transaction,
  }),
  "order.get": (requester, id, refuseAfter, p) => ({
    requester,
    id,
    refuseAfter,
    method: "order.get",
    order: p.order,
  }),
  "order.history": (requester, id, refuseAfter, p) => ({
    requester,
    id,
    refuseAfter,
    method: "order.history",
    order: p.order,
  }),
  "order.list": (requester, id, refuseAfter, p) => ({
    requester,
    id,
    refuseAfter,
    method: "order.list",
    account: p.account,
    status: p.status,
    cursor: p.cursor,
    limit: p.limit,
  }),
  "order.lookup": (requester, id, refuseAfter, p) => ({
    requester,
    id,
    refuseAfter,
    method: "order.lookup",
    account: p.account,
    key: p.key,
  }),
  "product.create": (requester, id, refuseAfter, p) => ({
    requester,
    id,
    refuseAfter,
    method: "product.create",
    product: p.product,
    name: p.name,
    price: p.price,
    currency: p.currency,
    stock: p.stock,
    limitPerAccount: p.limitPerAccount,
    saleStartsAt: p.saleStartsAt,
    saleEndsAt: p.saleEndsAt,
  }),
  "product.restock": (requester, id, refuseAfter, p) => ({
    requester,
    id,
    refuseAfter,
    method: "product.restock",
    product: p.product,
    qty: p.qty,
    ref: p.ref,
  }),
  "product.reprice": (requester, id, refuseAfter, p) => ({
    requester,
    id,
    refuseAfter,
    method: "product.reprice",
    product: p.product,
    price: p.price,
  }),
  "product.get": (requester, id, refuseAfter, p) => ({
    requester,
    id,
    refuseAfter,
    method: "product.get",
    product: p.product,
  }),
  "account.open": (requester, id, refuseAfter, p) => ({
    requester,
    id,
    refuseAfter,
    method: "account.open",
    account: p.account,
    currency: p.currency,
  }),
  "account.deposit": (requester, id, refuseAfter, p) => ({
    requester,
    id,
    refuseAfter,
    method: "account.deposit",
    account: p.account,
    amount: p.amount,
    ref: p.ref,
  }),
  "account.withdraw": (requester, id, refuseAfter, p) => ({
    requester,
    id,
    refuseAfter,
    method: "account.withdraw",
    account: p.account,
    amount: p.amount,
    ref: p.ref,
  }),
  "account.get": (requester, id, refuseAfter, p) => ({
    requester,
    id,
    refuseAfter,
    method: "account.get",
    account: p.account,
  }),
  "account.statement": (requester, id, refuseAfter, p) => ({
    requester,
    id,
    refuseAfter,
    method: "account.statement",
    account: p.account,
    cursor: p.cursor,
    limit: p.limit,
  }),
  "feed.subscribe": (requester, id, refuseAfter, p) => ({
    requester,
    id,
    refuseAfter,
    method: "feed.subscribe",
    topic: p.topic,
    fromSeq: p.from,
  }),
  "feed.unsubscribe": (requester, id, refuseAfter, p) => ({
    requester,
    id,
    refuseAfter,
    method: "feed.unsubscribe",
    sub: p.sub,
  }),
  "audit.run": (requester, id, refuseAfter) => ({ requester, id, refuseAfter, method: "audit.run" }),
};
