import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { frameBytesMax, signatureAgeSecondsMax } from "../../engine/seams/limits.js";
import { routes } from "../../gateway/edge/http-routes.js";
import { signatureOf } from "../../gateway/edge/payment-signature.js";
import { headersRead } from "../../gateway/http/http-request.js";
import { readDocument, tableOf } from "./document.js";
import { type DocumentEngine, documentSecret, examplesBeginMs, openDocumentEngine } from "./examples-run.js";
import {
  type HttpMessage,
  httpExamplesOf,
  readHttpAnswer,
  routesTable,
  runHttpExample,
} from "./http-examples.js";

/** What differs is mended by `npm run build && node dist/test/docs/write-http.js`, or is a defect. */
const markdown = readDocument("docs/HTTP.md");
const examples = httpExamplesOf(markdown);

describe("docs/HTTP.md", () => {
  let engine: DocumentEngine;
  const found: HttpMessage[] = [];

  beforeAll(async () => {
    engine = await openDocumentEngine(undefined, true, true);
    for (const example of examples) found.push(await runHttpExample(engine.port, example));
  });

  afterAll(() => engine.stop());

  test.each(examples.map(({ verb, path, request }, n) => [request.fence + 1, `${verb} ${path}`, n] as const))(
    "line %i: %s is answered as the document shows",
    (_line, _what, n) => {
      expect(found[n]).toEqual(readHttpAnswer(examples[n]!.answer!.text));
    },
  );

  test("links to descriptions that are served", async () => {
    for (const path of ["/openapi.json", "/asyncapi.json", "/problems/insufficient_stock"]) {
      expect(markdown).toContain(`\`${path}\``);
      expect((await fetch(`http://127.0.0.1:${engine.port}${path}`)).status).toBe(200);
    }
  });
});

test("the routes are those of the program", () => {
  expect(tableOf(markdown, "routes")).toBe(routesTable());
  expect(routes.length).toBeGreaterThan(20);
});

test("every header that is ours is explained", () => {
  for (const header of headersRead) {
    if (/^(yifen|idempotency)-/.test(header)) expect(markdown.toLowerCase()).toContain(`\`${header}\``);
  }
});

test("the signature that is shown is that of the body that is shown", () => {
  const { body, headers } = examples.find(({ path }) => path.endsWith("/notify"))!;
  const seconds = examplesBeginMs / 1000;
  expect(markdown).toContain(`secret=${documentSecret}`);
  expect(markdown).toContain(signatureOf(documentSecret, seconds, "alipay", Buffer.from(body!)));
  expect(headers["Yifen-Signature"]).toContain(`t=${seconds}`);
});

test("the numbers in the text are the program's", () => {
  const prose = markdown.replaceAll(/\s+/g, " ");
  expect(prose).toContain(`one JSON object of at most ${frameBytesMax / 2 ** 20} MiB`);
  expect(prose).toContain(`by more than ${signatureAgeSecondsMax} seconds`);
});
