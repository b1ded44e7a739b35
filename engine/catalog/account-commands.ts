/** Accounts: open, deposit, withdraw, get, statement. */

import { type Account, decideCapture, decideDeposit } from "../../actors/account.js";
import { Facts } from "../../actors/facts.js";
import { keyedMethods } from "../../actors/keyed-methods.js";
import { currencyNumber, parsePositiveAmount, unknownCurrency } from "../../actors/money.js";
import { type Refusal, refuse } from "../../actors/results.js";
import type { AccountStatement, GetAccount, ListOrders, MoveMoney, OpenAccount } from "../seams/commands.js";
import { spaces } from "../tables/key-table.js";
import { accountView, answerRefusal, answerResult, askDeferred } from "../turns/answers.js";
import { keepRefusal, keepResult, settledByRef } from "../turns/exactly-once.js";
import { nameAccount } from "../turns/name-account.js";
import { ParamsHash } from "../turns/params-hash.js";
import type { Turn } from "../turns/turn.js";

const hash = new ParamsHash();

export function openAccount(turn: Turn, command: OpenAccount): void {
  const currency = currencyNumber(command.currency);
  if (currency === undefined) {
    answerRefusal(
      turn,
      command,
      refuse("invalid_request", { path: "params.currency", reason: unknownCurrency(command.currency) }),
    );
    return;
  }
  const known = turn.books.accountByName.get(command.account);
  if (known && known.currency >= 0) {
    answerRefusal(
      turn,
      command,
      refuse("already_exists", { account: command.account, same: known.currency === currency }),
    );
    return;
  }
  const account = nameAccount(turn, command.account);
  turn.record({ type: Facts.accountOpened, account: account.handle, currency });
  turn.unopened.opened();
  answerResult(turn, command, accountView(account));
}

/**
 * Deposit and withdraw: `ref` is their key, and it is kept for ever. That there is no such account is not kept: a ref has no
 * time by which it could be forgotten again, and once the account is open the same request is done.
 */
export function moveMoney(turn: Turn, command: MoveMoney): void {
  const account = turn.books.accountByName.get(command.account);
  const { ref } = command;
  const method = keyedMethods[command.method];
  const paramsHash = hash.begin(method).amount(command.amount, "normal").end();
  const writtenHash = hash.begin(method).amount(command.amount, "written").end();
  if (account && settledByRef(turn, command, spaces.money, account.handle, ref, paramsHash, writtenHash))
    return;
  if (!account || account.currency < 0) {
    answerRefusal(turn, command, refuse("account_not_found", { account: command.account }));
    return;
  }
  const amount = parsePositiveAmount(command.amount, account.currency);
  const refusal = typeof amount === "number" ? decideMove(command.method, account, amount) : amount;
  if (refusal || typeof amount !== "number") {
    keepRefusal(turn, spaces.money, account.handle, ref, method, paramsHash, undefined, refusal!);
    answerRefusal(turn, command, refusal!);
    return;
  }
  const type = command.method === "account.deposit" ? Facts.accountDeposited : Facts.accountWithdrawn;
  turn.record({ type, account: account.handle, amount, ref });
  const result = accountView(account);
  keepResult(turn, spaces.money, account.handle, ref, method, paramsHash, result);
  answerResult(turn, command, result);
}

function decideMove(method: MoveMoney["method"], account: Account, amount: number): Refusal | undefined {
  return method === "account.deposit" ? decideDeposit(account, amount) : decideCapture(account, amount);
}

export function getAccount(turn: Turn, command: GetAccount): void {
  const account = find(turn, command);
  if (account) answerResult(turn, command, accountView(account));
}

/** Statements and lists come from the read side, once it has come as far as this turn. */
export function askAboutAccount(turn: Turn, command: AccountStatement | ListOrders): void {
  if (find(turn, command)) askDeferred(turn, command);
}

function find(turn: Turn, command: GetAccount | AccountStatement | ListOrders): Account | undefined {
  const account = turn.books.accountByName.get(command.account);
  if (account && account.currency >= 0) return account;
  answerRefusal(turn, command, refuse("account_not_found", { account: command.account }));
  return undefined;
}
