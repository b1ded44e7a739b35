/**
 * Answers over HTTP. A refusal is a problem document (RFC 9457) with what a WebSocket's `error` holds; its title is the
 * meaning of its code.
 */

import { STATUS_CODES } from "node:http";
import { type Code, type Refusal, resultOf } from "../../actors/results.js";
import { retryAfterMs } from "../../engine/seams/limits.js";
import { reasonOf } from "./refusal-text.js";

export interface HttpAnswer {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  /** The connection ends with it. */
  readonly close?: boolean;
}

export const problemContentType = "application/problem+json";

/** What HTTP refuses before it knows a method, and its own status for it. */
export const httpRefusals = {
  notFound: 404,
  wrongVerb: 405,
  tooLarge: 413,
  wrongType: 415,
} as const;

/** The result of a method: what stands under `result` in a WebSocket's answer. */
export function successAnswer(result: string, replayed: boolean, link: string | undefined): HttpAnswer {
  const headers: [string, string][] = [["content-type", "application/json"], noStore];
  if (replayed) headers.push(replayedHeader);
  if (link !== undefined) headers.push(["link", link]);
  return { status: 200, headers, body: result };
}

/** `status` where HTTP has one of its own for a code. */
export function problemAnswer(
  refusal: Refusal,
  replayed = false,
  status: number = resultOf(refusal.code).status,
): HttpAnswer {
  return withBody(problemOf(refusal, status), replayed);
}

/** A defect of ours: what became of the request is unknown. */
export function defectAnswer(): HttpAnswer {
  return withBody(problemOf({ code: "internal", executed: "unknown" }, 500), false);
}

/** The path of a code's description. */
export function problemType(code: Code): string {
  return `/problems/${code}`;
}

/** "409 Conflict" */
export function statusLine(status: number): string {
  return `${status} ${STATUS_CODES[status] ?? ""}`;
}

interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  readonly code: Code;
  readonly executed: false | "unknown";
  readonly retryable: boolean;
  readonly details?: Readonly<Record<string, unknown>>;
}

function problemOf(refusal: Refusal, status: number): Problem {
  const { code, details, executed = false } = refusal;
  const { meaning, retryable } = resultOf(code);
  const detail = reasonOf(details);
  return {
    type: problemType(code),
    title: meaning,
    status,
    ...(detail === undefined ? {} : { detail }),
    code,
    executed,
    retryable,
    ...(details === undefined ? {} : { details }),
  };
}

function withBody(problem: Problem, replayed: boolean): HttpAnswer {
  const headers: [string, string][] = [["content-type", problemContentType], noStore];
  if (replayed) headers.push(replayedHeader);
  if (problem.status === 503) headers.push(["retry-after", retryAfterSeconds(problem)]);
  return { status: problem.status, headers, body: JSON.stringify(problem) };
}

function retryAfterSeconds({ details }: Problem): string {
  const ms = typeof details?.retryAfterMs === "number" ? details.retryAfterMs : retryAfterMs;
  return String(Math.max(1, Math.ceil(ms / 1000)));
}

const noStore: [string, string] = ["cache-control", "no-store"];
const replayedHeader: [string, string] = ["idempotent-replayed", "true"];
