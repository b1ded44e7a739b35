/** Which function runs which method. The one place to look for what a request does. */

import { askAboutAccount, getAccount, moveMoney, openAccount } from "../catalog/account-commands.js";
import { subscribe, unsubscribe } from "../catalog/feed-commands.js";
import { createProduct, getProduct, repriceProduct, restockProduct } from "../catalog/product-commands.js";
import { advanceOrder } from "../orders/advance-order.js";
import { getOrder, lookupOrder, orderHistory } from "../orders/look-order.js";
import { cancelOrder, payOrder } from "../orders/move-order.js";
import { placeOrder } from "../orders/place-order.js";
import { spendPoints } from "../orders/points.js";
import { quoteLines } from "../orders/quote.js";
import { notifyPayment } from "../payments/notify-payment.js";
import { getRefund, reportRefund } from "../refunds/refund-commands.js";
import { refundOrder } from "../refunds/refund-order.js";
import { getHuman, listHuman, resolveHuman } from "../review/review-commands.js";
import type { Command, Method } from "../seams/commands.js";
import { beginTransaction, getTransaction } from "../transactions/transaction-commands.js";
import { askDeferred } from "../turns/answers.js";
import { issueToken } from "../turns/tokens.js";
import type { Turn } from "../turns/turn.js";

type Handlers = { readonly [M in Method]: (turn: Turn, command: Extract<Command, { method: M }>) => void };

export const handlers = {
  "order.place": placeOrder,
  "order.quote": quoteLines,
  "order.pay": payOrder,
  "order.cancel": cancelOrder,
  "order.advance": advanceOrder,
  "order.refund": refundOrder,
  "refund.get": getRefund,
  "refund.report": reportRefund,
  "payment.notify": notifyPayment,
  "points.spend": spendPoints,
  "token.issue": issueToken,
  "order.get": getOrder,
  "order.history": orderHistory,
  "order.list": askAboutAccount,
  "order.lookup": lookupOrder,
  "product.create": createProduct,
  "product.restock": restockProduct,
  "product.reprice": repriceProduct,
  "product.get": getProduct,
  "account.open": openAccount,
  "account.deposit": moveMoney,
  "account.withdraw": moveMoney,
  "account.get": getAccount,
  "account.statement": askAboutAccount,
  "feed.subscribe": subscribe,
  "feed.unsubscribe": unsubscribe,
  "audit.run": askDeferred,
  "transaction.begin": beginTransaction,
  "transaction.get": getTransaction,
  "human.list": listHuman,
  "human.get": getHuman,
  "human.resolve": resolveHuman,
} as unknown as Handlers;
