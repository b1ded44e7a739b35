/**
 * What a shop says of an order and the engine keeps for it: where it goes, how, the shop's own number. The engine reads nothing of it
 * but `ref`, under which the order is found.
 */

/** A text, or texts by name: "name", "street", "city"... */
export type Described = string | Readonly<Record<string, string>>;

export interface OrderData {
  readonly address?: Described | undefined;
  readonly contact?: Described | undefined;
  readonly shippingMethod?: string | undefined;
  readonly paymentMethod?: string | undefined;
  /** The shop's own number. Several orders may have the same one. */
  readonly ref?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

const fields = ["address", "contact", "metadata", "paymentMethod", "shippingMethod"] as const;

/** All but `ref` as the log holds it: one text for what is the same, in whatever order it came. "" = nothing. */
export function orderDataText(data: OrderData): string {
  const { address, contact, metadata, paymentMethod, shippingMethod } = data;
  // Most orders say nothing, and this is asked twice of each: 10 ns instead of 150.
  if ((address ?? contact ?? metadata ?? paymentMethod ?? shippingMethod) === undefined) return "";
  const given = fields.filter((field) => data[field] !== undefined);
  return given.length === 0
    ? ""
    : JSON.stringify(Object.fromEntries(given.map((f) => [f, sorted(data[f]!)])));
}

/** What `ref` and the text in the log say. */
export function orderDataOf(ref: string, text: string): OrderData {
  const data = text === "" ? {} : (JSON.parse(text) as OrderData);
  return ref === "" ? data : { ...data, ref };
}

function sorted(value: Described): Described {
  if (typeof value === "string") return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
