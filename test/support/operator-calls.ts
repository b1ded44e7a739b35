/**
 * Everything that an operator can ask of an engine, at random, in a shop where all of it has something to hit: orders in every
 * state, payments for orders that never were, refunds of which nobody knows the end, transactions that are stuck.
 */

import fc from "fast-check";
import { currencyCode, formatMinor, scaleOf } from "../../actors/money.js";
import { itemId, refundId } from "../../actors/order-number.js";
import type { PlanSpec } from "../../actors/transactions/plan.js";
import type { CallReport } from "../../engine/links/call-dispatcher.js";
import type { ReviewItem } from "../../engine/tables/review-queue.js";
import type { Answer, CommandParams, TestEngine } from "./engine.js";
import { product, shop } from "./shop.js";
import { call, lost, no, ok, pay, saga, tcc, tea } from "./transactions.js";

const day = 86_400_000;

const plans: Readonly<Record<string, PlanSpec>> = {
  gift: saga(pay("30.00"), call("send")),
  wrapped: saga(pay(), call("wrap", { amount: "12.00", currency: "CNY" }), call("send")),
  fee: saga(pay("5.00", "ann", "revenue"), call("send")),
  box: tcc(tea(1), pay("7.00"), call("wrap", { units: 1 })),
  bill: tcc(pay("4.00", "ben", "revenue"), call("send")),
  parcel: saga(tea(1), call("send")),
};

/** What functions outside answer; `silent`: nothing, until a step says so. */
type Fate = "done" | "refused" | "failed" | "silent";
const reports: Readonly<Record<Exclude<Fate, "silent">, CallReport>> = {
  done: ok,
  refused: no,
  failed: lost,
};

/** One step; what it names by number is found when it runs: the n-th of the orders, items, refunds or calls that there are then. */
export type Step = { readonly do: string; readonly nth?: number; readonly [param: string]: unknown };

const oneOf = <T>(...values: readonly T[]) => fc.constantFrom(...values);
const step = (kind: string, params: Record<string, fc.Arbitrary<unknown>> = {}): fc.Arbitrary<Step> =>
  fc.record({ do: fc.constant(kind), ...params }, { noNullPrototype: true }) as fc.Arbitrary<Step>;

const nth = fc.nat(12);
const account = oneOf("ann", "ben", "eve");
const products = ["tea", "mug", "gift", "pen"];
const amounts = oneOf("0.01", "1.00", "9.99", "25.00", "100.00", "90071992547409.91");

/** "risk" is what is at risk; a number is added to it; a text stands for itself. */
const entryAmount = oneOf("risk", "risk+100", "risk-100", "1.00", "3.00");
const ledgerAccounts = ["suspense", "clearing:alipay", "revenue", "fees", "loss"];
const wallets = ["wallet:ann", "wallet:ben", "wallet:eve"];
const named = oneOf(...ledgerAccounts, ...wallets);
const entry = fc.record({ from: named, to: named, amount: entryAmount }, { noNullPrototype: true });
/** To the place of the money or away from it, and on the way a little or much more, which comes back. */
const detour = fc
  .record({
    place: oneOf("suspense", "suspense", "clearing:alipay", ...wallets),
    other: named,
    out: fc.boolean(),
    late: fc.boolean(),
    more: oneOf(100, 10_000),
  })
  .map(({ place, other, out, late, more }) => {
    const [from, to] = out ? [place, other] : [other, place];
    const two = [
      { from, to, amount: `risk+${more}` },
      { from: to, to: from, amount: formatMinor(more, 2) },
    ];
    return late ? two.reverse() : two;
  });
/** All of it, in one piece or in two. */
const whole = fc
  .record({
    place: oneOf("suspense", "suspense", "clearing:alipay"),
    one: named,
    two: named,
    out: fc.boolean(),
    cut: fc.boolean(),
  })
  .map(({ place, one, two, out, cut }) => {
    const part = (other: string, amount: string) => ({
      from: out ? place : other,
      to: out ? other : place,
      amount,
    });
    return cut ? [part(one, "1.00"), part(two, "risk-100")] : [part(one, "risk")];
  });
const entries = fc.oneof(whole, detour, fc.array(entry, { minLength: 1, maxLength: 3 }));

const advances = oneOf("pack", "ship", "dispatch", "deliver", "confirm", "dispute", "resolve");
/** What the order allows, the n-th of that; or anything. */
const onward = fc.oneof({ weight: 4, arbitrary: fc.constant("onward") }, { weight: 1, arbitrary: advances });

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: step("place", {
      account,
      cart: cart(),
      pay: oneOf("later", "balance"),
      mode: oneOf("tcc", "saga"),
    }),
  },
  { weight: 2, arbitrary: step("pay", { nth }) },
  { weight: 3, arbitrary: step("cancel", { nth }) },
  {
    weight: 8,
    arbitrary: step("advance", {
      nth,
      event: onward,
      resolution: oneOf("refund", "keep"),
      restock: fc.boolean(),
    }),
  },
  {
    weight: 6,
    arbitrary: step("refund", {
      nth,
      how: oneOf("all", "lines", "amount"),
      product: oneOf(...products),
      amount: amounts,
      restock: fc.boolean(),
    }),
  },
  {
    weight: 8,
    arbitrary: step("notify", {
      nth,
      payment: fc.nat(9),
      strange: fc.boolean(),
      amount: amounts,
      currency: oneOf("CNY", "CNY", "CNY", "USD", "JPY"),
    }),
  },
  { weight: 5, arbitrary: step("report", { nth, outcome: oneOf("done", "refused", "unknown") }) },
  {
    weight: 16,
    arbitrary: step("resolve", {
      nth,
      action: oneOf("retry", "done", "undone", "entries", "entries", "entries", "write_off"),
      entries,
      order: fc.option(nth, { nil: undefined }),
    }),
  },
  { weight: 2, arbitrary: step("spend", { account, points: oneOf(1, 10, 1_000) }) },
  {
    weight: 2,
    arbitrary: step("move", {
      method: oneOf("account.deposit", "account.withdraw"),
      account,
      amount: amounts,
    }),
  },
  { weight: 2, arbitrary: step("restock", { product: oneOf(...products), qty: oneOf(1, 3, 1_000_000) }) },
  {
    weight: 1,
    arbitrary: step("reprice", { product: oneOf(...products), price: oneOf("0", "1.00", "9.99") }),
  },
  { weight: 4, arbitrary: step("begin", { name: oneOf(...Object.keys(plans)), account }) },
  { weight: 3, arbitrary: step("fate", { fate: oneOf("done", "refused", "failed", "silent") }) },
  { weight: 4, arbitrary: step("answer", { nth, fate: oneOf("done", "refused", "failed") }) },
  { weight: 8, arbitrary: step("pass", { ms: oneOf(1_000, 60_000, 300_000, 900_000, day, 8 * day) }) },
  { weight: 1, arbitrary: step("restart") },
);

function cart() {
  return fc.dictionary(oneOf(...products), oneOf(1, 1, 2, 3), {
    minKeys: 1,
    maxKeys: 3,
    noNullPrototype: true,
  });
}

export function operatorSteps(maxLength: number): fc.Arbitrary<Step[]> {
  return fc.array(anyStep, { minLength: 1, maxLength, size: "max" });
}

/** A shop with something wrong everywhere, and the steps that are taken in it. */
export class OperatorRun {
  engine: TestEngine;
  /** What was answered, by code. */
  readonly answered = new Map<string, number>();
  readonly #orders: string[] = [];
  readonly #open: ((report: CallReport) => void)[] = [];
  #fate: Fate = "failed";
  #keys = 0;

  constructor(shards: number) {
    const outCalls = {
      knows: (name: string) => !name.startsWith("parcel/"),
      call: (_: unknown, report: (report: CallReport) => void) => {
        if (this.#fate === "silent") this.#open.push(report);
        else report(reports[this.#fate]);
      },
    };
    const plan = (name: string) => plans[name];
    this.engine = shop({ shards, outCalls, plan, settings: { pointsGrantOn: "paid" } });
    this.engine.ask({ method: "account.open", account: "eve", currency: "CNY" });
    this.engine.ask(product("gift", "0", { stock: 5, limitPerAccount: 2 }));
    this.engine.ask(product("pen", "1.00", { stock: 999_999_990 }));
    for (const provider of ["alipay", "wx"]) {
      for (const [paymentId, amount] of Object.entries({ lost: "7.00", gone: "20.00" }))
        this.#ask({
          method: "payment.notify",
          provider,
          paymentId,
          order: "o999424",
          amount,
          currency: "CNY",
        });
    }
    for (const [n, payment] of ["x", "y"].entries()) {
      this.take({ do: "place", account: "ann", cart: { tea: 1, mug: n }, pay: "later", mode: "tcc" });
      const order = this.#orders.at(-1)!;
      this.#ask({
        method: "payment.notify",
        provider: "alipay",
        paymentId: payment,
        order,
        amount: "50.00",
        currency: "CNY",
      });
    }
  }

  take(taken: Step): void {
    const { do: kind, nth: at = 0, ...params } = taken;
    const key = `k${this.#keys++}`;
    const order = this.#orders.length === 0 ? "o1024" : this.#orders[at % this.#orders.length]!;
    switch (kind) {
      case "place": {
        const lines = Object.entries(params.cart as Record<string, number>)
          .filter(([, qty]) => qty > 0)
          .map(([id, qty]) => ({ product: id, qty }));
        const placed = this.#ask({ method: "order.place", key, ...params, cart: undefined, lines });
        if (placed?.code === "ok") this.#orders.push(placed.result.order);
        break;
      }
      case "pay":
      case "cancel":
        this.#ask({ method: `order.${kind}`, key, order });
        break;
      case "advance":
        this.#advance(key, order, at, params);
        break;
      case "refund":
        this.#refund(key, order, params);
        break;
      case "notify": {
        const { payment, strange, amount, currency } = params;
        const name = { provider: "alipay", paymentId: `p${payment}` };
        this.#ask({
          method: "payment.notify",
          ...name,
          order: strange ? "o999424" : order,
          amount,
          currency,
        });
        break;
      }
      case "report": {
        const refunds = this.engine.shards.flatMap(({ books }) => [...books.afterSales.refunds.keys()]);
        const refund = refunds.length === 0 ? "r1024" : refundId(refunds[at % refunds.length]!);
        this.#ask({ method: "refund.report", refund, outcome: params.outcome, ref: "said so" });
        break;
      }
      case "resolve":
        this.#resolve(at, params);
        break;
      case "spend":
        this.#ask({ method: "points.spend", ref: key, ...params });
        break;
      case "move":
        this.#ask({ ref: key, ...params } as unknown as CommandParams);
        break;
      case "restock":
      case "reprice":
        this.#ask({ method: `product.${kind}`, ...params });
        break;
      case "begin":
        this.engine.submit({ method: "transaction.begin", key, wait: false, ...params });
        this.engine.settle();
        break;
      case "fate":
        this.#fate = params.fate as Fate;
        break;
      case "answer": {
        const [report] = this.#open.splice(at % Math.max(1, this.#open.length), 1);
        report?.(reports[params.fate as Exclude<Fate, "silent">]);
        this.engine.settle();
        break;
      }
      case "pass":
        this.engine.pass(params.ms as number);
        break;
      case "restart":
        this.#open.length = 0;
        this.engine = this.engine.restart();
        break;
      default:
        throw new Error(`there is no step ${kind}`);
    }
  }

  #advance(key: string, order: string, at: number, params: Record<string, unknown>): void {
    const { resolution, restock } = params;
    const allowed = (this.engine.ask({ method: "order.get", order }).result?.next ?? []) as string[];
    const moves = allowed.filter((event) => !["pay", "cancel", "refund"].includes(event));
    const event =
      params.event === "onward" ? (moves[at % Math.max(1, moves.length)] ?? "pack") : params.event;
    const ship = event === "ship" ? { tracking: "SF1" } : {};
    const resolve = event === "resolve" ? { resolution, restock: resolution === "refund" && restock } : {};
    this.#ask({ method: "order.advance", key, order, event, operator: "li", ...ship, ...resolve });
  }

  #refund(key: string, order: string, params: Record<string, unknown>): void {
    const { how, amount, product: id, restock } = params;
    const part = how === "all" ? {} : how === "lines" ? { lines: [{ product: id, qty: 1 }] } : { amount };
    this.#ask({
      method: "order.refund",
      key,
      order,
      reason: "broken",
      restock: how !== "amount" && restock,
      ...part,
    });
  }

  #resolve(at: number, { action, entries: asked, order }: Record<string, unknown>): void {
    const items = this.engine.shards.flatMap(({ books }) => [...books.human.open.values()]);
    const item = items[at % Math.max(1, items.length)];
    if (!item) return;
    const more =
      action === "entries"
        ? {
            entries: (asked as { amount: string }[]).map((each) => ({
              ...each,
              amount: written(each.amount, item),
            })),
          }
        : action === "retry" && order !== undefined && item.kind === 1
          ? { order: this.#orders[(order as number) % Math.max(1, this.#orders.length)] }
          : {};
    this.#ask({ method: "human.resolve", item: itemId(item.item), action, reason: "seen", ...more });
  }

  #ask(params: CommandParams | Record<string, unknown>): Answer {
    const answer = this.engine.ask(params as CommandParams);
    this.answered.set(answer.code, (this.answered.get(answer.code) ?? 0) + 1);
    if (answer.code === "internal") throw new Error(`internal: ${JSON.stringify(params)}`);
    return answer;
  }
}

function written(amount: string, item: ReviewItem): string {
  const [, sign, more] = /^risk(?:([+-])([0-9]+))?$/.exec(amount) ?? [];
  if (!amount.startsWith("risk")) return amount;
  const minor = item.amount + (sign === undefined ? 0 : Number(`${sign}${more}`));
  return formatMinor(Math.max(minor, 0), scaleOf(currencyCode(item.currency)));
}
