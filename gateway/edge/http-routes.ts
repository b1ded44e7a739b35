/**
 * HTTP's way to each method, from its row: where its params come from follows from its path and its schema.
 *
 *   path      what stands in braces, under the same name
 *   headers   `key` is Idempotency-Key, `at` is Yifen-At; `ref` may be Idempotency-Key when the body has none
 *   query     everything else of a GET
 *   body      everything else of a POST
 */

import { nearest } from "../../actors/nearest.js";
import { type HttpPlace, type Method, methodNames, methods } from "./methods.js";

export type Verb = HttpPlace["verb"];

export type Place = "path" | "query" | "body" | "headers";

export interface Route extends HttpPlace {
  readonly method: Method;
  /** What the header Idempotency-Key is for the method. */
  readonly keyParam: "key" | "ref" | undefined;
  readonly parts: readonly string[];
  /** Each param of the method, and where it comes from. */
  readonly places: ReadonlyMap<string, Place>;
}

export const routes: readonly Route[] = methodNames.flatMap((method) => {
  const { http } = methods[method];
  return http === undefined ? [] : [routeOf(method, http)];
});

/** What needs a connection that stays: feeds, and the question whether it is still there. */
export const webSocketOnly: readonly Method[] = methodNames.filter(
  (name) => methods[name].http === undefined,
);

/** `/v1/orders/lookup` before `/v1/orders/{order}`: what is said word for word is meant. */
const byPrecision = [...routes].sort((a, b) => paramsInPath(a) - paramsInPath(b));

export interface FoundRoute {
  readonly route: Route;
  readonly inPath: Readonly<Record<string, string>>;
}

/** The route of a request; the verbs that its path has when it is not one of them; undefined when there is no such path. */
export function findRoute(verb: string, path: string): FoundRoute | { readonly allow: Verb[] } | undefined {
  const parts = path.split("/").map(decoded);
  const allow = new Set<Verb>();
  for (const route of byPrecision) {
    const inPath = matched(route, parts);
    if (inPath === undefined) continue;
    if (route.verb === verb) return { route, inPath };
    allow.add(route.verb);
  }
  return allow.size === 0 ? undefined : { allow: [...allow] };
}

/** The path that was probably meant by one that there is not: what it says word for word, with the words put right. */
export function nearestPath(path: string): string | undefined {
  const given = path.split("/");
  for (const { path: known, parts } of byPrecision) {
    if (parts.length !== given.length) continue;
    const fits = parts.every((part, n) => paramOf(part) !== undefined || nearest(given[n]!, [part]) === part);
    if (fits) return known;
  }
  return undefined;
}

function matched({ parts }: Route, given: readonly (string | undefined)[]): FoundRoute["inPath"] | undefined {
  if (parts.length !== given.length) return undefined;
  const inPath: Record<string, string> = {};
  for (const [n, part] of parts.entries()) {
    const value = given[n];
    const param = paramOf(part);
    if (param === undefined ? value !== part : value === undefined || value === "") return undefined;
    if (param !== undefined) inPath[param] = value!;
  }
  return inPath;
}

/** Undefined when it is not a text that was escaped. */
function decoded(part: string): string | undefined {
  if (!part.includes("%")) return part;
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

function paramOf(part: string): string | undefined {
  return part.startsWith("{") ? part.slice(1, -1) : undefined;
}

function paramsInPath({ parts }: Route): number {
  return parts.filter((part) => paramOf(part) !== undefined).length;
}

function routeOf(method: Method, { verb, path, signed }: HttpPlace): Route {
  const parts = path.split("/");
  const inPath = new Set(parts.map(paramOf));
  const placeOf = (param: string): Place => {
    if (inPath.has(param)) return "path";
    if (verb === "GET") return "query";
    return param === "key" || param === "at" ? "headers" : "body";
  };
  const params = Object.keys(methods[method].params.properties);
  const places = new Map(params.map((param) => [param, placeOf(param)]));
  return { verb, path, method, signed, keyParam: keyParamOf(method, places), parts, places };
}

/** A `ref` that makes a call exactly-once is an id; `refund.report` has one that is a provider's words. */
function keyParamOf(method: Method, places: ReadonlyMap<string, Place>): Route["keyParam"] {
  if (places.get("key") === "headers") return "key";
  const { ref } = methods[method].params.properties as { readonly ref?: { readonly pattern?: string } };
  return ref?.pattern !== undefined && places.get("ref") === "body" ? "ref" : undefined;
}
