/** What the documents promise in words: each sentence has a test somewhere (`sentences`), or is tried here. */

import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import WebSocket from "ws";
import { currencyNumber } from "../../actors/money.js";
import { statuses } from "../../actors/order-transitions.js";
import { results } from "../../actors/results.js";
import { methods as shardMethods } from "../../engine/loop/methods.js";
import { webSocketOnly } from "../../gateway/edge/http-routes.js";
import { pageDefault } from "../../persistence/read/read-queries.js";
import { blocksOf, cellsOf, readDocument } from "./document.js";
import { type DocumentEngine, openDocumentEngine, runExamples } from "./examples-run.js";
import { operatingSentences } from "./operating-sentences.js";
import { sentences } from "./sentences.js";

const prose = (page: string) => readDocument(page).replaceAll(/\s+/g, " ");

/** Of tests and groups of tests: what is written before their function. */
function titlesIn(source: string): string[] {
  const titles = source.matchAll(/\(\s*(["`'])((?:(?!\1).)*)\1,\s*(?:async )?\(/g);
  return [...titles].map(([, , title]) => title!);
}

describe("a sentence and its test", () => {
  test.each([...sentences, ...operatingSentences])("%s: %s", (page, sentence, file, named) => {
    expect(prose(page)).toContain(sentence);
    expect(
      titlesIn(readDocument(`test/${file}.test.ts`)).filter((title) => title.includes(named)),
    ).not.toEqual([]);
  });
});

describe("tried on an engine", () => {
  let engine: DocumentEngine;

  beforeAll(async () => {
    engine = await openDocumentEngine(undefined, true, true);
    await ask([
      ["product.create", { product: "tea", name: "Tea", price: "5.00", currency: "CNY", stock: 100 }],
      ["account.open", { account: "ann", currency: "CNY" }],
      ["account.deposit", { account: "ann", amount: "100.00", ref: "top-up" }],
    ]);
  });

  afterAll(() => engine.stop());

  /** The answers, in order. */
  async function ask(
    asked: readonly (readonly [method: string, params: object])[],
    passMs = 0,
  ): Promise<Answer[]> {
    const exchanges = asked.map(([method, params], id) => ({
      passMs: id === 0 ? passMs : 0,
      request: { id, method, params },
      frames: [],
      line: 0,
    }));
    return (await runExamples(engine, "yifen.json", [], exchanges)).flat() as Answer[];
  }

  const order = { account: "ann", lines: [{ product: "tea", qty: 1 }] };

  test("same params: `at`, `dryRun` and defaults do not make another request, anything else does", async () => {
    const [first, ...others] = await ask([
      ["order.place", { ...order, key: "same" }],
      ["order.place", { ...order, key: "same", pay: "later", mode: "tcc" }],
      ["order.place", { ...order, key: "same", at: 1_790_841_600_000 }],
      ["order.place", { ...order, key: "same", dryRun: true }],
      ["order.place", { ...order, key: "same", payWithinMs: 900_000 }],
      ["order.place", { ...order, key: "same", expectedTotal: "5.00" }],
    ]);
    expect(first!.status).toBe(200);
    expect(others.slice(0, 3).map(({ replayed, result }) => [replayed, result])).toEqual(
      new Array(3).fill([true, first!.result]),
    );
    expect(others.slice(3).map(({ error }) => error?.code)).toEqual(["key_reused", "key_reused"]);
  });

  test("same params: `wait` does not make another transaction, `input` and `deadlineMs` do", async () => {
    const gift = { account: "ann", name: "gift", key: "gift" };
    const answers = await ask([
      ["transaction.begin", { ...gift, input: { to: "the moon" } }],
      ["transaction.begin", { ...gift, input: { to: "the moon" }, wait: false }],
      ["transaction.begin", { ...gift, input: { to: "ben" } }],
      ["transaction.begin", { ...gift, input: { to: "the moon" }, deadlineMs: 60_000 }],
    ]);
    expect(answers.map(({ status, replayed, error }) => [status, replayed, error?.code])).toEqual([
      [200, undefined, undefined],
      [200, true, undefined],
      [422, undefined, "key_reused"],
      [422, undefined, "key_reused"],
    ]);
  });

  test("deposits, withdrawals and points spent share the refs of an account", async () => {
    const answers = await ask([
      ["points.spend", { account: "ann", points: 1, ref: "top-up" }],
      ["account.withdraw", { account: "ann", amount: "1.00", ref: "top-up" }],
    ]);
    expect(answers.map(({ error }) => error?.code)).toEqual(["key_reused", "key_reused"]);
  });

  test("a `key` that begins with tk: must be a token; a `ref` may be called so", async () => {
    const answers = await ask([
      ["order.place", { ...order, key: "tk:mine" }],
      ["account.deposit", { account: "ann", amount: "1.00", ref: "tk:mine" }],
    ]);
    expect(answers.map(({ status, error }) => error?.code ?? status)).toEqual(["token_unknown", 200]);
  });

  test("a review item is resolved once; the same resolution again has the same answer", async () => {
    const payment = { provider: "bank", paymentId: "p1", order: "nobody", amount: "3.00", currency: "CNY" };
    await ask([["payment.notify", payment]]);
    const [list] = await ask([["human.list", {}]]);
    const { item } = (list!.result as { items: { item: string }[] }).items[0]!;
    const resolve = { item, action: "write_off", reason: "nobody asks for it" };
    const [first, again, other] = await ask([
      ["human.resolve", resolve],
      ["human.resolve", resolve],
      ["human.resolve", { ...resolve, reason: "another one" }],
    ]);
    expect(first!.status).toBe(200);
    expect(again!.result).toEqual(first!.result);
    expect(other!.error?.code).toBe("invalid_transition");
  });

  test("a token whose answer is forgotten is never accepted again, also without `at`", async () => {
    const [issued] = await ask([["token.issue", {}]]);
    const { token } = issued!.result as { token: string };
    const place = ["order.place", { ...order, key: token, payWithinMs: 1000 }] as const;
    const [placed] = await ask([place]);
    expect(placed!.status).toBe(200);
    await ask([["product.get", { product: "tea" }]], 60_000);
    // Not in one jump: what the clock has skipped does not count.
    for (let hour = 0; hour < 25; hour++) {
      for (let minute = 0; minute < 60; minute++) engine.pass(60_000);
      await ask([["product.get", { product: "tea" }]]);
    }
    let last: Answer | undefined;
    for (let day = 0; day < 9 && last?.error === undefined; day++) [last] = await ask([place], 86_400_000);
    expect(["key_too_old", "token_expired"]).toContain(last!.error?.code);
  });

  test("a provider's name is 1 to 32 characters, without a colon", async () => {
    const payment = { paymentId: "p2", order: "x", amount: "1.00", currency: "CNY" };
    const answers = await ask([
      ["payment.notify", { ...payment, provider: "p".repeat(33) }],
      ["payment.notify", { ...payment, provider: "a:b" }],
      ["payment.notify", { ...payment, provider: "p".repeat(32) }],
    ]);
    expect(answers.map(({ status }) => status)).toEqual([400, 400, 200]);
  });

  test("`amountRefunded` is what is done: a refund that a provider has not done yet is not in it", async () => {
    const [placed] = await ask([["order.place", { ...order, key: "bought" }]]);
    const { order: id, total: amount } = placed!.result as { order: string; total: string };
    const [, refunded] = await ask([
      ["payment.notify", { provider: "bank", paymentId: "p3", order: id, amount, currency: "CNY" }],
      ["order.refund", { order: id, key: "back", reason: "broken" }],
    ]);
    const { refunds } = refunded!.result as { refunds: { refund: string; state: string }[] };
    const asked = refunded!.result as { order: { amountRefunded: string; status: string } };
    expect([refunds[0]!.state, asked.order.status, asked.order.amountRefunded]).toEqual([
      "requested",
      "Refunding",
      "0.00",
    ]);
    const [, after] = await ask([
      ["refund.report", { refund: refunds[0]!.refund, outcome: "done" }],
      ["order.get", { order: id }],
    ]);
    expect(after!.result).toMatchObject({ status: "Refunded", amountRefunded: amount });
  });

  test("there is no compression, and no header of CORS", async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${engine.port}/v1/ws`, { perMessageDeflate: true });
    await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
    expect(socket.extensions).toBe("");
    socket.terminate();
    const { headers } = await fetch(`http://127.0.0.1:${engine.port}/v1/products/tea`);
    expect([...headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
  });

  test("every code has its page; ids may be in quotes", async () => {
    const at = `http://127.0.0.1:${engine.port}`;
    for (const { code, meaning } of results) {
      const page = (await (await fetch(`${at}/problems/${code}`)).json()) as object;
      expect(page).toMatchObject({ code, meaning });
    }
    const deposit = (key: string) =>
      fetch(`${at}/v1/accounts/ann/deposit`, {
        method: "POST",
        headers: { "content-type": "application/json", "idempotency-key": key },
        body: JSON.stringify({ amount: "2.00" }),
      });
    expect((await deposit('"quoted"')).status).toBe(200);
    expect((await deposit("quoted")).headers.get("idempotent-replayed")).toBe("true");
  });

  test("what is not HTTP/1.1 is refused in HTML, and its connection closed", async () => {
    const socket = connect(engine.port, "127.0.0.1");
    socket.end("NONSENSE\r\n\r\n");
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 \d{3} .*<h1>/s);
  });
});

interface Answer {
  readonly status: number;
  readonly replayed?: boolean;
  readonly result?: unknown;
  readonly error?: { readonly code: string };
}

describe("counted", () => {
  test("171 currencies are known", () => {
    const codes = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"];
    const all = codes.flatMap((a) => codes.flatMap((b) => codes.map((c) => a + b + c)));
    const known = all.filter((code) => currencyNumber(code) !== undefined);
    expect(prose("docs/PROTOCOL.md")).toContain(`${known.length} currencies are known`);
  });

  test("eleven statuses in one table", () => {
    expect(prose("README.md")).toContain("eleven statuses in one table");
    expect(statuses.filter((status) => status !== "None")).toHaveLength(11);
  });

  test("a page is as long as it is said to be", () => {
    expect(prose("docs/protocol/orders.md")).toContain(`newest first, ${pageDefault} a page`);
    const [, listed] = /const listedByDefault = (\d+);/.exec(
      readDocument("engine/review/review-commands.ts"),
    )!;
    expect(prose("docs/protocol/review.md")).toContain(`newest first within each, ${listed} a page`);
  });

  test("how long a list waits, and how long a transaction may be undecided", () => {
    const [, waitMs] = /const waitMsDefault = ([\d_]+);/.exec(readDocument("persistence/read/read-side.ts"))!;
    const seconds = Number(waitMs!.replace("_", "")) / 1000;
    expect(prose("docs/protocol/orders.md")).toContain(`it waits for that up to ${seconds} seconds`);
    const [, tcc, saga] = /tcc: ([\d_]+), saga: ([\d_]+)/.exec(
      readDocument("engine/transactions/transaction-commands.ts"),
    )!;
    const [inTcc, inSaga] = [tcc!, saga!].map((ms) => Number(ms.replaceAll("_", "")).toLocaleString("en"));
    expect(prose("docs/protocol/transactions.md")).toContain(`default: a TCC ${inTcc}, a saga ${inSaga}`);
  });

  test("what a nearly full disk refuses", () => {
    const [, said] = /makes something new \((.*?)\) is refused/.exec(prose("README.md"))!;
    const growing = Object.entries(shardMethods).filter(([, { grows }]) => grows);
    const named = new Set(growing.map(([name]) => `${name.split(".")[0]}s`));
    expect(new Set(said!.split(", "))).toEqual(named);
  });

  test("versions: of the package, and of Node", () => {
    const { version, engines } = JSON.parse(readDocument("package.json")) as {
      version: string;
      engines: { node: string };
    };
    const named = [...prose("README.md").matchAll(/yifen(?:-client)?-(\d[\d.]*)\.tgz/g)].map(
      (match) => match[1],
    );
    expect(named).toEqual([version, version]);
    const [, nodes] = /Node ([\d., or]+) on Linux/.exec(prose("README.md"))!;
    const ranges = engines.node.split(" || ").map((range) => range.slice(1).replace(/(\.0)+$/, ""));
    expect(nodes!.split(/, | or /)).toEqual(ranges);
  });

  test("how an install script is allowed is said alike where it is missing", () => {
    const [, command] = /`(npm install-scripts [^`]+)`/.exec(prose("README.md"))!;
    expect(readDocument("gateway/host/bindings.ts")).toContain(command);
    expect(prose("docs/decisions/0029-the-client-is-a-package-of-its-own.md")).toContain(command);
  });

  test("what HTTP does not have: the feed and `session.ping`", () => {
    for (const page of ["docs/HTTP.md", "docs/PROTOCOL.md"]) {
      expect(prose(page)).toContain("except the feed and `session.ping`");
    }
    const others = webSocketOnly.filter((name) => !name.startsWith("feed."));
    expect(others).toEqual(["session.ping"]);
  });

  test("what details hold is what the client's types say", () => {
    const markdown = readDocument("docs/PROTOCOL.md");
    const section = markdown.slice(markdown.indexOf("What `details` hold:"));
    const rows = cellsOf(section.slice(section.indexOf("\n|") + 1).split("\n\n")[0]!);
    const said = Object.fromEntries(
      rows.slice(0, -1).map(([code, fields]) => [code, namesIn(fields!)] as const),
    );
    expect(rows.at(-1)![0]).toBe("any, for a cart");
    const types = readDocument("client/codes.ts");
    const [, body] = /interface DetailsOf [^{]*\{(.*?)\n\}/s.exec(types)!;
    const typed = [...body!.matchAll(/^ {2}readonly (\w+): Details & \{(.*?)\};$/gms)].map(
      ([, code, fields]) =>
        [code!, [...fields!.matchAll(/readonly (\w+)\?/g)].map(([, name]) => name!).sort()] as const,
    );
    const ofEngine = typed.filter(([code]) => results.some((row) => row.code === code));
    expect(said).toEqual(Object.fromEntries(ofEngine));
  });

  /** What stands in backticks; a name with a dot is a method's. The code itself has lost its own. */
  function namesIn(cell: string): string[] {
    const names = [...cell.matchAll(/(?<=^|`)(\w+)(?=`|$|`)/g)].map(([, name]) => name!);
    return [...new Set(names)].sort();
  }
});

describe("the README's figures", () => {
  const readme = readDocument("README.md");

  test("are those of the benchmarks", () => {
    const measured = readDocument("docs/benchmarks.md");
    const section = readme.slice(readme.indexOf("## Figures"), readme.indexOf("## Tests"));
    const figures = section.match(/\d+,\d{3}(?=[ |])/g)!.filter((figure) => !/,000$/.test(figure));
    expect(figures.length).toBeGreaterThan(4);
    for (const figure of figures) expect(measured).toContain(figure);
  });

  test("of the demo add up", () => {
    const demo = blocksOf(readme)
      .find(({ info }) => info === "text demo")!
      .text.replaceAll(",", "");
    const [bought, refused, unpaid] = /(\d+) bought (\d+) refused (\d+) never paid/
      .exec(demo)!
      .slice(1)
      .map(Number);
    expect(bought! + refused! + unpaid!).toBe(10_000);
    for (const [, sold, held, left] of demo.matchAll(/sold (\d+) held (\d+) left (\d+)/g)) {
      expect(Number(sold) + Number(held) + Number(left)).toBe(1000);
    }
  });

  test("of the tests are those of `scale`", () => {
    const scale = readDocument("test/support/scale.ts");
    const of = (name: string) =>
      new RegExp(`${name} = scaled\\(\\{ test: ([\\d_]+), verify: ([\\d_]+) \\}\\)`)
        .exec(scale)!
        .slice(1)
        .map((digits) => Number(digits.replaceAll("_", "")));
    const [quick, long] = readme
      .slice(readme.indexOf("## Tests"), readme.indexOf("## Read on"))
      .split("npm run verify");
    const counts = (part: string) => part.replaceAll(/\s+/g, " ");
    const [seeds, runs, stride, kills, orders] = [
      of("simulatedSeeds"),
      of("modelRuns"),
      of("damageStride"),
      of("kills"),
      of("ordersInTenYears"),
    ];
    expect(counts(quick!)).toContain(`(${seeds[0]} seeds)`);
    expect(counts(quick!)).toContain(`(${runs[0]} runs of up to 200 commands)`);
    expect(counts(quick!)).toContain(`at every ${stride[0]}nd byte`);
    expect([kills[0], counts(quick!).includes("a dozen real kill -9")]).toEqual([12, true]);
    expect(counts(long!)).toContain(
      `${seeds[1]} seeds, ${runs[1]!.toLocaleString("en")} runs, the log spoilt at every byte, ${kills[1]} kills`,
    );
    expect([stride[1], orders[1], counts(long!).includes("a million orders in ten years")]).toEqual([
      1,
      1_000_000,
      true,
    ]);
  });
});
