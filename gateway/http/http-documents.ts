/** What HTTP serves without the engine: its first page, the descriptions of itself, and what each code of a problem means. */

import { results } from "../../actors/results.js";
import { asyncApiDocument } from "../describe/asyncapi.js";
import { openApiDocument } from "../describe/openapi.js";
import { type HttpAnswer, problemType } from "../edge/problem.js";
import { welcomePage } from "./welcome-page.js";

/** Made when they are first asked for: text is a page, anything else is JSON. */
const documents = new Map<string, () => object | string>([
  ["/", welcomePage],
  ["/openapi.json", openApiDocument],
  ["/asyncapi.json", asyncApiDocument],
  ...results.map(({ code, status, retryable, stored, meaning }) => {
    const described = { code, status, retryable, stored, meaning };
    return [problemType(code), () => described] as const;
  }),
]);

const made = new Map<string, HttpAnswer>();

export function documentAt(path: string): HttpAnswer | undefined {
  const make = documents.get(path);
  if (make === undefined) return undefined;
  const answer = made.get(path) ?? answerOf(make());
  made.set(path, answer);
  return answer;
}

function answerOf(document: object | string): HttpAnswer {
  if (typeof document === "string") {
    return { status: 200, headers: [["content-type", "text/html; charset=utf-8"]], body: document };
  }
  return { status: 200, headers: [["content-type", "application/json"]], body: JSON.stringify(document) };
}
