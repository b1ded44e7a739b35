import { Unpackr } from "msgpackr";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { qtyMax, unitsMax } from "../../actors/product.js";
import { results } from "../../actors/results.js";
import { partsMax } from "../../actors/transactions/plan.js";
import { humanAfter, humanAfterMs } from "../../actors/transactions/retry.js";
import * as limits from "../../engine/seams/limits.js";
import { defaultSettings } from "../../engine/seams/settings.js";
import { methodNames as methods, methods as rows } from "../../gateway/edge/methods.js";
import { closeCodes } from "../../gateway/edge/session.js";
import {
  blocksOf,
  cellsOf,
  exchangesOf,
  givenOf,
  protocolFiles,
  protocolPages,
  readDocument,
  tableOf,
} from "./document.js";
import {
  type DocumentEngine,
  type EncodingName,
  normalised,
  openDocumentEngine,
  runExamples,
} from "./examples-run.js";
import {
  codesTable,
  eventsTable,
  methodsTable,
  metricsTable,
  movesTable,
  number,
  paramsTable,
} from "./tables.js";

/** What differs is mended by `npm run build && node dist/test/docs/write-protocol.js`, or is a defect of the engine. */
const pages = protocolPages().map((name) => {
  const markdown = readDocument(name);
  return { name, markdown, given: givenOf(markdown), exchanges: exchangesOf(markdown) };
});
const entry = pages[0]!.markdown;
const markdown = pages.map((page) => page.markdown).join("\n");
const exchanges = pages.flatMap((page) => page.exchanges);

interface Shown {
  readonly id: unknown;
  readonly method: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

const requestsOf = (of: typeof exchanges) =>
  of
    .filter(({ request }) => request !== undefined)
    .flatMap(({ request }) => (Array.isArray(request) ? request : [request]) as Shown[]);
const requests = requestsOf(exchanges);

test("every file is a page that the entry names, and the entry names no other", () => {
  expect(pages.map(({ name }) => name).sort()).toEqual(protocolFiles().sort());
});

const encodings = ["yifen.json", "yifen.msgpack"] satisfies EncodingName[];
const inEachEncoding = pages.flatMap((page) =>
  encodings.map((encoding) => [page.name, encoding, page] as const),
);

describe.each(inEachEncoding)("%s in %s", (_name, encoding, { given, exchanges }) => {
  let engine: DocumentEngine;
  let found: unknown[][];

  beforeAll(async () => {
    engine = await openDocumentEngine(undefined);
    found = await runExamples(engine, encoding, given, exchanges);
  });

  afterAll(() => engine.stop());

  test.each(exchanges.map((exchange, n) => [exchange.line, n] as const))(
    "line %i: what the document shows is what comes back",
    (_line, n) => {
      const shown = exchanges[n]!.frames.map(({ text }) => JSON.parse(text) as unknown);
      expect(normalised(found[n])).toEqual(normalised(shown));
    },
  );
});

describe("the metrics and the probes", () => {
  let engine: DocumentEngine;

  beforeAll(async () => {
    engine = await openDocumentEngine(undefined);
  });

  afterAll(() => engine.stop());

  test("/livez, /readyz and /metrics are there, and what is not there is 404", async () => {
    const status = async (path: string) => (await fetch(`http://127.0.0.1:${engine.port}${path}`)).status;
    expect(await status("/livez")).toBe(200);
    expect(await status("/readyz")).toBe(200);
    expect(await status("/metrics")).toBe(200);
    expect(await status("/v1/nothing")).toBe(404);
  });

  test("every metric of a scrape is in the table, with what the code says about it", async () => {
    expect(tableOf(markdown, "metrics")).toBe(metricsTable(engine.metrics));
    const scrape = await (await fetch(`http://127.0.0.1:${engine.port}/metrics`)).text();
    const scraped = [...scrape.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map((match) => [match[1], match[2]]);
    const shown = cellsOf(tableOf(markdown, "metrics")!).map(([name, type]) => [name, type]);
    expect(shown).toEqual(scraped);
  });
});

test.each(pages)(
  "the examples of $name use each id once and show an answer to each request",
  ({ exchanges }) => {
    const ids = requestsOf(exchanges).map(({ id }) => id);
    expect(ids).toEqual([...new Set(ids)]);
    for (const { request, frames, line } of exchanges) {
      if (request !== undefined) expect(frames.length, `line ${line}`).toBeGreaterThan(0);
    }
  },
);

test("the bytes in MessagePack are those of a request of the entry", () => {
  const block = blocksOf(entry).find(({ info }) => info === "hex")!;
  const bytes = Buffer.from(block.text.replaceAll(/\s/g, ""), "hex");
  expect(new Unpackr({ useRecords: false }).unpack(bytes)).toEqual({ id: 1, method: "session.ping" });
});

describe.each(methods)("%s", (method) => {
  test("has a heading, an example, and one that succeeds", () => {
    expect(markdown).toMatch(new RegExp(`^##+ \`${method}\`$`, "m"));
    const succeeded = exchanges.filter(({ request, frames }) => {
      const first = (Array.isArray(request) ? request[0] : request) as Shown | undefined;
      return first?.method === method && frames.some(({ text }) => text.includes('"status": 200'));
    });
    expect(succeeded.length).toBeGreaterThan(0);
  });

  test("has a table of its params that says what the schema says", () => {
    expect(tableOf(markdown, `params ${method}`) ?? "").toBe(paramsTable(method));
  });

  test("has an example of every param", () => {
    const used = requests.filter((r) => r.method === method).flatMap((r) => Object.keys(r.params ?? {}));
    const params = Object.keys(rows[method].params.properties);
    expect(params.filter((name) => !used.includes(name))).toEqual([]);
  });
});

test("the methods are those of the program, each with its section, its HTTP, whose it is and what becomes of it under load", () => {
  expect(tableOf(markdown, "methods")).toBe(methodsTable());
});

test("every method that has a heading exists", () => {
  const headings = [...markdown.matchAll(/^##+ `(\S+)`$/gm)].map((match) => match[1]);
  expect([...headings].sort()).toEqual([...methods].sort());
});

test("the codes are those of the table of results, in its order", () => {
  expect(tableOf(markdown, "codes")).toBe(codesTable());
});

test("the events are those of the table of events, in its order", () => {
  expect(tableOf(markdown, "events")).toBe(eventsTable());
});

test("the life of an order is that of its state machine", () => {
  expect(tableOf(markdown, "moves")).toBe(movesTable());
});

test("every code in an answer is one of the table", () => {
  const known = new Set<string>(results.map(({ code }) => code));
  for (const { text } of blocksOf(markdown)) {
    for (const [, code] of text.matchAll(/"code": "([a-z_]+)"/g)) expect(known).toContain(code);
  }
});

/** Rows of the table under a heading, by their first cell. */
function rowsUnder(heading: string): Map<string, string[]> {
  const section = entry.slice(entry.indexOf(`\n${heading}\n`));
  const rows = section.slice(section.indexOf("\n|") + 1).split("\n\n")[0]!;
  return new Map(cellsOf(rows).map((cells) => [cells[0]!, cells]));
}

/** Those that rules themselves keep live with the rules. */
const allLimits = { ...limits, partsMax, qtyMax };

test("every limit is listed with its number, and no other", () => {
  const rows = rowsUnder("## Limits");
  const listed = Object.fromEntries([...rows].map(([name, cells]) => [name, cells[1]]));
  const real = Object.fromEntries(Object.entries(allLimits).map(([name, value]) => [name, number(value)]));
  expect(listed).toEqual(real);
});

/** Sentences with a number in them that is the program's. */
const prose = markdown.replaceAll(/\s+/g, " ");
const minutes = (ms: number) => ms / 60_000;
const mib = (bytes: number) => bytes / 2 ** 20;

test.each([
  `an array of 1 to ${number(limits.batchMax)} requests`,
  `when it has its ${number(limits.connectionsMax)} connections`,
  `closes it after ${limits.idleSeconds} seconds without a byte`,
  `more than ${limits.nestingMax} levels of nesting`,
  `more than ${mib(limits.sendBufferBytesMax)} MiB wait for it`,
  `A frame of more than ${mib(limits.frameBytesMax)} MiB ends the connection`,
  `a string of 1 to ${limits.requestIdCharsMax} characters`,
  `(optional, 1 to ${number(limits.deadlineMsMax)})`,
  `may have ${number(limits.inFlightMax)} requests without an answer`,
  `Keys are kept for ${defaultSettings.keysKeepMs / 3_600_000} hours`,
  `setting, ${number(defaultSettings.payWithinMs)}.`,
  `the grace (${defaultSettings.graceMs / 1000} seconds unless`,
  `confirmed by itself after the operator's time, ${defaultSettings.autoConfirmMs / 86_400_000} days`,
  `the time for refunds and disputes, ${defaultSettings.afterSaleMs / 86_400_000} days`,
  `Its first use must come within ${limits.tokenLifeMs / 3_600_000} hours`,
  `after ${humanAfter} failures or ${minutes(humanAfterMs)} minutes`,
  `the newest ${number(limits.transactionsEndedMax)} of each shard`,
  `each shard keeps the newest ${number(limits.itemsResolvedMax)};`,
  `more than 10<sup>${Math.log10(unitsMax)}</sup> units of one product`,
])("the text says what the program does: %s", (said) => {
  expect(prose).toContain(said);
});

test("the close codes are those that the server uses", () => {
  const listed = [...rowsUnder("### Close codes").keys()].map(Number);
  expect(listed).toEqual(Object.values(closeCodes));
});
