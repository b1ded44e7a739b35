/** Why a transaction is undone, as its answer says: such a reason can be true, as far as anybody knows. */

import { minorOf } from "./amounts.js";
import type { Audit } from "./audit.js";
import { balanceBounds, bounds } from "./audit-answers.js";
import type { KnownTransaction } from "./model.js";
import type { Answer, Operation } from "./operation.js";
import type { TransactionPart } from "./transaction-plan.js";

/** As of orders: engine time moves a microsecond with every turn. */
const slackMs = 2;

type Expect = (condition: boolean, what: string) => void;

/** Why it is undone: a part was refused, or nobody knows of it, or time is over. */
export function checkReason(
  audit: Audit,
  operation: Operation,
  answer: Answer,
  { id, begunBy }: KnownTransaction,
  error: Readonly<Record<string, unknown>>,
): void {
  const expect = (condition: boolean, what: string) => audit.expect(condition, operation, answer, what);
  const { mode, parts } = begunBy.transaction!;
  const { part: name, how, code } = error;
  if (name === undefined) {
    expect(mode === "tcc" && code === "hold_expired", "no reason");
    return;
  }
  const part = parts.find((one) => one.name === name);
  expect(part !== undefined, "no such part");
  expect(how === "refused" || how === "unknown", "neither refused nor unknown");
  if (how === "unknown") {
    expect(part!.what === "call" || code === "hold_expired", "an actor always knows");
    expect(code === undefined || mode === "saga", "not for a deadline of a TCC");
  } else if (part!.what === "call") {
    const work = audit.world.carrier.works.get(`${id}/${part!.name}`);
    const refused = work && ["refused", "tombstone", "canceled", "undone"].includes(work.state);
    expect(refused === true, `nobody has refused: ${work?.state}`);
  } else checkRefusedPart(audit, begunBy, expect, part!, error);
}

function checkRefusedPart(
  audit: Audit,
  begunBy: Operation,
  expect: Expect,
  part: TransactionPart,
  error: Readonly<Record<string, unknown>>,
): void {
  const { model, world } = audit;
  const { what, subject, account, amount, currency } = part;
  const product = model.products.get(subject);
  const wallet = model.accounts.get(subject);
  const { ledger } = model;
  const clock = Math.max(...world.hosts.map((one) => one.clockMax)) / 1000 + slackMs;
  const stock = what === "stock";
  switch (error.code) {
    case "product_not_found":
      expect(stock && !begunBy.before.has(`create ${subject}`), "the product was there");
      break;
    case "account_not_found":
      expect(!stock && !begunBy.before.has(`open ${subject}`), "the account was there");
      break;
    case "currency_mismatch":
      expect(!stock && wallet!.currency !== currency, "the currencies are the same");
      break;
    case "product_delisted":
      expect(stock && product!.mayBeDelisted, "nobody has taken it off sale");
      break;
    case "sale_not_started":
      expect(stock && product!.saleStartsAt > 0, "there is no start");
      break;
    case "sale_ended":
      expect(stock && product!.saleEndsAt > 0 && clock >= product!.saleEndsAt, "the sale goes on");
      break;
    case "limit_exceeded": {
      const used = error.used as number;
      const most = ledger.since(begunBy.before, `taken ${subject} by ${account}`).high;
      expect(stock && product!.limit > 0 && used + amount > product!.limit, "the limit was not reached");
      expect(used <= most, `used ${used}, and only ${most} were ever asked for`);
      break;
    }
    case "insufficient_stock": {
      const available = error.available as number;
      const supply = ledger.since(begunBy.before, `supply ${subject}`);
      const taken = ledger.since(begunBy.before, `taken ${subject}`);
      // Another part of the transaction may have taken some.
      const lost = ledger.since(begunBy.before, `lost ${subject}`).high;
      const low = Math.max(0, supply.low - lost - taken.high);
      expect(stock && available >= 0 && available < amount, "the stock was there");
      expect(available >= low && available <= supply.high, `available not in ${low}..${supply.high}`);
      break;
    }
    case "insufficient_funds": {
      const balance = balanceBounds(audit, begunBy, subject);
      const available = minorOf(error.available, currency);
      expect(what === "debit" && minorOf(error.due, currency) === amount, "another amount was due");
      expect(available < amount, "the money was there");
      expect(available >= balance.low && available <= balance.high, `available not in ${bounds(balance)}`);
      break;
    }
    default:
      expect(false, "no part is refused so");
  }
}
