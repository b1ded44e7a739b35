/**
 * A request over HTTP, turned into the value that `readRequest` takes from every edge. Nothing is overlooked: a field, a
 * query param or one of our headers that would have no effect is refused, because in a call about money it is a mistake.
 */

import { withNearest } from "../../actors/nearest.js";
import { type Refusal, refuse } from "../../actors/results.js";
import { idWords } from "../edge/fields.js";
import type { FoundRoute, Place, Route } from "../edge/http-routes.js";
import { idPattern } from "../edge/id-pattern.js";
import { methods } from "../edge/methods.js";

export interface HttpHead {
  /** Upper case; a HEAD is a GET here. */
  readonly verb: string;
  readonly path: string;
  /** What follows the question mark. */
  readonly query: string;
  /** Those of `headersRead` that were sent. */
  readonly headers: ReadonlyMap<string, string>;
  /** One of them that was sent twice: two readers could take different ones. */
  readonly twice: string | undefined;
}

export const headersRead: ReadonlySet<string> = new Set([
  "content-encoding",
  "content-length",
  "content-type",
  "host",
  "idempotency-key",
  "origin",
  "transfer-encoding",
  "yifen-at",
  "yifen-deadline-ms",
  "yifen-signature",
]);

/** `{id, method, params, deadlineMs}`, its params not checked yet; or why there is none. */
export function requestOf(found: FoundRoute, head: HttpHead, body: unknown): object | { refusal: Refusal } {
  const { route, inPath } = found;
  const params: Record<string, unknown> = { ...inPath };
  const refusal =
    takeQuery(route, head.query, params) ?? takeBody(route, body, params) ?? takeHeaders(route, head, params);
  if (refusal !== undefined) return { refusal };
  const deadline = head.headers.get("yifen-deadline-ms");
  return {
    id: 0,
    method: route.method,
    params,
    ...(deadline === undefined ? {} : { deadlineMs: asInteger(deadline) }),
  };
}

/** The engine and the schemas know params only: "params.lines[0].qty" becomes "body.lines[0].qty". */
export function placedIn({ places, verb }: Route, refusal: Refusal): Refusal {
  const path = refusal.details?.path;
  if (path === "deadlineMs") return withPath(refusal, "headers.yifen-deadline-ms");
  const [, name, rest] = /^params(?:\.([^.[]*))?(.*)$/.exec(typeof path === "string" ? path : "") ?? [];
  if (rest === undefined) return refusal;
  const place = places.get(name ?? "") ?? (verb === "GET" ? "query" : "body");
  if (name === undefined) return withPath(refusal, place);
  return withPath(refusal, place === "headers" ? headerOf[name]! : `${place}.${name}${rest}`);
}

const headerOf: Readonly<Record<string, string>> = {
  key: "headers.idempotency-key",
  at: "headers.yifen-at",
};

function takeQuery(route: Route, query: string, params: Record<string, unknown>): Refusal | undefined {
  for (const [name, value] of new URLSearchParams(query)) {
    if (route.places.get(name) !== "query") return invalid(`query.${name}`, misplaced(route, name, "query"));
    if (name in params) return invalid(`query.${name}`, "is there twice");
    params[name] = typeOf(route, name) === "integer" ? asInteger(value) : value;
  }
  return undefined;
}

function takeBody(route: Route, body: unknown, params: Record<string, unknown>): Refusal | undefined {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    return invalid("body", "must be an object");
  }
  for (const [name, value] of Object.entries(body)) {
    if (route.places.get(name) !== "body") return invalid(`body.${name}`, misplaced(route, name, "body"));
    params[name] = value;
  }
  return undefined;
}

function takeHeaders(route: Route, head: HttpHead, params: Record<string, unknown>): Refusal | undefined {
  const at = head.headers.get("yifen-at");
  if (at !== undefined && route.places.get("at") !== "headers") return invalid(headerOf.at!, noEffect);
  if (at !== undefined) params.at = asInteger(at);
  return takeKey(route, head.headers.get("idempotency-key"), params);
}

function takeKey(
  { keyParam }: Route,
  given: string | undefined,
  params: Record<string, unknown>,
): Refusal | undefined {
  const path = headerOf.key!;
  if (given === undefined) return keyParam === "key" ? invalid(path, "is required") : undefined;
  if (keyParam === undefined) return invalid(path, noEffect);
  // As a draft of the IETF has it, the value may stand in quotes.
  const value = /^"(.*)"$/.exec(given)?.[1] ?? given;
  if (!isId.test(value)) return invalid(path, `must be ${idWords}`);
  if (keyParam in params) return invalid(path, "there is a ref in the body already");
  params[keyParam] = value;
  return undefined;
}

/** What is wrong with a name: it belongs elsewhere, or nobody knows it. */
function misplaced({ places }: Route, name: string, where: Place): string {
  const place = places.get(name);
  if (place === "headers") return `goes into the header ${headerOf[name]!.slice("headers.".length)}`;
  if (place !== undefined) return `goes into the ${place}`;
  const here = [...places].filter(([, each]) => each === where).map(([known]) => known);
  return withNearest("unknown field", name, here);
}

const isId = new RegExp(`^${idPattern}$`);
const noEffect = "this method has no use for it";

function typeOf(route: Route, param: string): string | undefined {
  const properties = methods[route.method].params.properties as Readonly<Record<string, { type?: string }>>;
  return properties[param]?.type;
}

/** What is not an integer stays what it is, and the schema says so. */
function asInteger(text: string): number | string {
  return /^(?:0|[1-9][0-9]{0,15})$/.test(text) ? Number(text) : text;
}

function invalid(path: string, reason: string): Refusal {
  return refuse("invalid_request", { path: path.slice(0, 120), reason });
}

function withPath(refusal: Refusal, path: string): Refusal {
  return refuse(refusal.code, { ...refusal.details, path });
}
