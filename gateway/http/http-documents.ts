/** What HTTP serves without the engine: the description of itself, and what each code of a problem means. */

import { results } from "../../actors/results.js";
import { asyncApiDocument } from "../describe/asyncapi.js";
import { openApiDocument } from "../describe/openapi.js";
import { type HttpAnswer, problemType } from "../edge/problem.js";

/** Made when they are first asked for. */
const documents = new Map<string, () => object>([
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

function answerOf(document: object): HttpAnswer {
  return { status: 200, headers: [["content-type", "application/json"]], body: JSON.stringify(document) };
}
