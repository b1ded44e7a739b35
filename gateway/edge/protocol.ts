/**
 * A request between bytes and command. Codecs turn a frame into plain values, `readRequest` turns a value into what
 * to do about it; `encode` of the answers is the codecs' again. Same shape in every encoding:
 *
 *   request  {"id": 7, "method": "order.place", "params": {...}, "deadlineMs": 500}     deadlineMs is optional
 *   answer   {"id": 7, "status": 200, "result": {...}}                                  a replay: "replayed": true
 *   refusal  {"id": 7, "status": 409, "error": {"code", "message", "executed", "retryable", "details"}}
 *   push     {"sub": 3, "seq": 1042, "type": "order.paid", "time": "...", "data": {...}}
 */

import { withNearest } from "../../actors/nearest.js";
import { type Refusal, refuse } from "../../actors/results.js";
import type { Command, CommandOf } from "../../engine/seams/commands.js";
import { deadlineMsMax, requestIdCharsMax } from "../../engine/seams/limits.js";
import type { OrderView, Requester, RequestId } from "../../engine/seams/requester.js";
import { type Given, makers } from "./command-makers.js";
import { type EngineMethod, isMethod, methodNames } from "./methods.js";
import { explainParams, paramsFit } from "./params-check.js";

/** What the edge answers itself: `session.ping` (undefined), or a request that never gets further. */
export interface AnsweredAtEdge {
  readonly method: "answered at edge";
  readonly id: RequestId;
  /** Saying what is wrong takes up to 50 us, twenty times as long as seeing it: so it is put off until the answer is written. */
  readonly explain: (() => Refusal) | undefined;
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
    if (!envelopeFields.includes(field)) {
      return invalid(id, field.slice(0, 120), () => withNearest("unknown field", field, envelopeFields));
    }
  }
  if (!isMethod(method)) return invalid(id, "method", () => methodReason(method));
  if (deadlineMs !== undefined && !isDeadline(deadlineMs)) {
    return invalid(id, "deadlineMs", () => `must be an integer from 1 to ${deadlineMsMax}`);
  }
  const checked = params === undefined ? {} : params;
  if (!paramsFit(method, checked)) return atEdge(id, () => explainParams(method, checked));
  const refuseAfter = deadlineMs === undefined ? 0 : intake.nowMicros() + deadlineMs * 1000;
  if (method === "session.ping") return atEdge(id, undefined);
  return commandOf(method, intake.requester, id, refuseAfter, checked);
}

/** `params` have been checked against the row of the method. */
function commandOf<M extends EngineMethod>(
  method: M,
  requester: Requester,
  id: RequestId,
  refuseAfter: number,
  params: unknown,
): CommandOf<M> {
  return makers[method](requester, id, refuseAfter, params as Given<M>);
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

const envelopeFields = ["id", "method", "params", "deadlineMs"];

function methodReason(method: unknown): string {
  if (method === undefined) return "is required";
  return typeof method === "string" ? withNearest("unknown method", method, methodNames) : "must be a string";
}

function isDeadline(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= deadlineMsMax;
}

function invalid(id: RequestId, path: string, reason: () => string): AnsweredAtEdge {
  return atEdge(id, () => refuse("invalid_request", { path, reason: reason() }));
}

function atEdge(id: RequestId, explain: AnsweredAtEdge["explain"]): AnsweredAtEdge {
  return { method: "answered at edge", id, explain };
}
