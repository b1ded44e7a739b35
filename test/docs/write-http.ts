/**
 * Writes what the server really answers, and the table of routes, into docs/HTTP.md:
 * `npm run build && node dist/test/docs/write-http.js`. Requests, texts and their order are the author's.
 */

import { writeFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { projectFile, readDocument, replaceTable } from "./document.js";
import { openDocumentEngine } from "./examples-run.js";
import {
  type HttpMessage,
  httpExamplesOf,
  readHttpAnswer,
  routesTable,
  runHttpExample,
} from "./http-examples.js";
import { pretty } from "./pretty.js";

const engine = await openDocumentEngine(undefined, true, true);
try {
  const markdown = replaceTable(readDocument("docs/HTTP.md"), "routes", routesTable());
  const examples = httpExamplesOf(markdown);
  const found: HttpMessage[] = [];
  for (const example of examples) found.push(await runHttpExample(engine.port, example));
  const lines = markdown.split("\n");
  for (const [n, { request, answer }] of [...examples.entries()].reverse()) {
    if (answer && isDeepStrictEqual(readHttpAnswer(answer.text), found[n])) continue;
    const block = blockOf(found[n]!);
    if (answer) lines.splice(answer.fence, answer.to + 2 - answer.fence, ...block);
    else lines.splice(request.to + 2, 0, "", ...block);
  }
  writeFileSync(projectFile("docs/HTTP.md"), lines.join("\n"));
} finally {
  await engine.stop();
}

function blockOf({ status, headers, body }: HttpMessage): string[] {
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return ["```http answer", String(status), ...head, "", ...pretty(body, "").split("\n"), "```"];
}
