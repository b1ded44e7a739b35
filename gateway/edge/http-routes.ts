/**
 * HTTP's way to each method: one table. Where the params of a method come from follows from it and from the schema:
 *
 *   path      what stands in braces, under the same name
 *   headers   `key` is Idempotency-Key, `at` is Yifen-At; `ref` may be Idempotency-Key when the body has none
 *   query     everything else of a GET
 *   body      everything else of a POST
 *
 * The first row that fits a path wins: `lookup` is no order.
 */

import { type Method, schemas } from "./schemas.js";

export type Verb = "GET" | "POST";

export type Place = "path" | "query" | "body" | "headers";

export interface Route {
  readonly verb: Verb;
  /** As OpenAPI writes it: `/v1/orders/{order}/pay`. */
  readonly path: string;
  readonly method: Method;
  /** The body bears the signature of a payment provider. */
  readonly signed: boolean;
  /** What the header Idempotency-Key is for the method. */
  readonly keyParam: "key" | "ref" | undefined;
  readonly parts: readonly string[];
  /** Each param of the method, and where it comes from. */
  readonly places: ReadonlyMap<string, Place>;
}

export const routes: readonly Route[] = [
  post("/v1/orders", "order.place"),
  get("/v1/orders", "order.list"),
  get("/v1/orders/lookup", "order.lookup"),
  get("/v1/orders/{order}", "order.get"),
  get("/v1/orders/{order}/history", "order.history"),
  post("/v1/orders/{order}/pay", "order.pay"),
  post("/v1/orders/{order}/cancel", "order.cancel"),
  post("/v1/orders/{order}/events", "order.advance"),
  post("/v1/orders/{order}/refund", "order.refund"),
  get("/v1/refunds/{refund}", "refund.get"),
  post("/v1/refunds/{refund}/report", "refund.report"),
  signed("/v1/payments/{provider}/notify", "payment.notify"),
  post("/v1/tokens", "token.issue"),
  post("/v1/products", "product.create"),
  get("/v1/products/{product}", "product.get"),
  post("/v1/products/{product}/restock", "product.restock"),
  post("/v1/products/{product}/reprice", "product.reprice"),
  post("/v1/accounts", "account.open"),
  get("/v1/accounts/{account}", "account.get"),
  get("/v1/accounts/{account}/statement", "account.statement"),
  post("/v1/accounts/{account}/deposit", "account.deposit"),
  post("/v1/accounts/{account}/withdraw", "account.withdraw"),
  post("/v1/accounts/{account}/points/spend", "points.spend"),
  post("/v1/transactions", "transaction.begin"),
  get("/v1/transactions/{transaction}", "transaction.get"),
  get("/v1/human", "human.list"),
  get("/v1/human/{item}", "human.get"),
  post("/v1/human/{item}/resolve", "human.resolve"),
  post("/v1/audit", "audit.run"),
];

/** What needs a connection that stays: feeds, and the question whether it is still there. */
export const webSocketOnly: readonly Method[] = ["session.ping", "feed.subscribe", "feed.unsubscribe"];

export interface FoundRoute {
  readonly route: Route;
  readonly inPath: Readonly<Record<string, string>>;
}

/** The route of a request; the verbs that its path has when it is not one of them; undefined when there is no such path. */
export function findRoute(verb: string, path: string): FoundRoute | { readonly allow: Verb[] } | undefined {
  const parts = path.split("/").map(decoded);
  const allow = new Set<Verb>();
  for (const route of routes) {
    const inPath = matched(route, parts);
    if (inPath === undefined) continue;
    if (route.verb === verb) return { route, inPath };
    allow.add(route.verb);
  }
  return allow.size === 0 ? undefined : { allow: [...allow] };
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

function get(path: string, method: Method): Route {
  return route("GET", path, method, false);
}

function post(path: string, method: Method): Route {
  return route("POST", path, method, false);
}

function signed(path: string, method: Method): Route {
  return route("POST", path, method, true);
}

function route(verb: Verb, path: string, method: Method, isSigned: boolean): Route {
  const parts = path.split("/");
  const inPath = new Set(parts.map(paramOf));
  const placeOf = (param: string): Place => {
    if (inPath.has(param)) return "path";
    if (verb === "GET") return "query";
    return param === "key" || param === "at" ? "headers" : "body";
  };
  const places = new Map(Object.keys(schemas[method].properties).map((param) => [param, placeOf(param)]));
  return { verb, path, method, signed: isSigned, keyParam: keyParamOf(method, places), parts, places };
}

/** A `ref` that makes a call exactly-once is an id; `refund.report` has one that is a provider's words. */
function keyParamOf(method: Method, places: ReadonlyMap<string, Place>): Route["keyParam"] {
  if (places.get("key") === "headers") return "key";
  const { ref } = schemas[method].properties as { readonly ref?: { readonly pattern?: string } };
  return ref?.pattern !== undefined && places.get("ref") === "body" ? "ref" : undefined;
}
