/**
 * The examples of docs/HTTP.md: requests that are sent in the order of the document, and what comes back.
 *
 *   ```http request     POST /v1/orders, headers, an empty line, a body
 *   ```http answer      the status, the headers that say something, an empty line, the body
 */

import { routes } from "../../gateway/edge/http-routes.js";
import { methods } from "../../gateway/edge/methods.js";
import { type Block, blocksOf } from "./document.js";

export interface HttpExample {
  readonly verb: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly request: Block;
  /** Undefined when the document has none yet. */
  readonly answer: Block | undefined;
}

export interface HttpMessage {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** In this order; the others say nothing about the answer. */
const shownHeaders = ["Content-Type", "Idempotent-Replayed", "Link", "Retry-After", "Allow"];

export function httpExamplesOf(markdown: string): HttpExample[] {
  const blocks = blocksOf(markdown);
  return blocks.flatMap((request, n) => {
    if (request.info !== "http request") return [];
    const { first, headers, body } = partsOf(request.text);
    const [verb, path] = first.split(" ") as [string, string];
    const next = blocks[n + 1];
    const answer = next?.info === "http answer" ? next : undefined;
    return [{ verb, path, headers, body, request, answer }];
  });
}

export async function runHttpExample(port: number, example: HttpExample): Promise<HttpMessage> {
  const { verb, path, headers, body } = example;
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: verb,
    headers,
    ...(body === undefined ? {} : { body }),
  });
  const shown = shownHeaders.flatMap((name) => {
    const value = response.headers.get(name);
    return value === null ? [] : [[name, value]];
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: Object.fromEntries(shown) as Record<string, string>,
    body: text === "" ? undefined : JSON.parse(text),
  };
}

export function readHttpAnswer(text: string): HttpMessage {
  const { first, headers, body } = partsOf(text);
  return { status: Number(first), headers, body: body === undefined ? undefined : JSON.parse(body) };
}

/** Empty lines and blanks between headers and body are for readers. */
function partsOf(text: string): { first: string; headers: Record<string, string>; body: string | undefined } {
  const [head, ...rest] = text.split("\n\n") as [string, ...string[]];
  const [first, ...lines] = head.split("\n") as [string, ...string[]];
  const headers = Object.fromEntries(lines.map((line) => line.split(/: (.*)/, 2) as [string, string]));
  return { first, headers, body: rest.length === 0 ? undefined : rest.join("\n\n") };
}

export function routesTable(): string {
  const rows = routes.map(({ verb, path, method, places, keyParam }) => {
    const { required = [] } = methods[method].params as { required?: readonly string[] };
    const rest = [...places].filter(([, place]) => place === "query" || place === "body");
    const names = rest.map(([name]) => (required.includes(name) ? `\`${name}\`` : `[\`${name}\`]`));
    const key = keyParam === "key" ? "required" : keyParam === "ref" ? "for `ref`" : "";
    return `| \`${verb} ${path}\` | \`${method}\` | ${names.join(", ")} | ${key} |`;
  });
  return [
    "| request | method | query or body, [optional] | `Idempotency-Key` |",
    "|---|---|---|---|",
    ...rows,
  ]
    .join("\n")
    .replaceAll("|  |", "| |");
}
