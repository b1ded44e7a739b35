/**
 * The numbers in the log of the methods that are exactly-once: under which a kept answer says what was asked. Like the numbers
 * of facts they are never changed and never used again.
 */

export const keyedMethods = {
  "order.place": 1,
  "order.pay": 2,
  "order.cancel": 3,
  "account.deposit": 4,
  "account.withdraw": 5,
  "product.restock": 6,
  "order.advance": 7,
  "order.refund": 8,
  "payment.notify": 9,
  "points.spend": 10,
  "transaction.begin": 11,
  "product.update": 20,
  "product.adjust": 21,
  "product.count": 22,
} as const;

export type KeyedMethod = keyof typeof keyedMethods;
