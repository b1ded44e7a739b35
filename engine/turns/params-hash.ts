/**
 * Whether two requests under one key are the same request: 53 bits over what they asked for, `at` left out.
 *
 * Not a secret and not a proof: a collision would make a changed request receive the answer of the first one, and never
 * run anything. Two lanes of FNV-like mixing, because a string has to be made for any library hash.
 *
 * Amounts are hashed in one form: "7" and "7.00" are the same request. Logs of before hold hashes of amounts as they were written,
 * so a request is also the same when its hash of then is the kept one.
 */

import { normalAmount } from "../../actors/money.js";

export type AmountForm = "normal" | "written";

export class ParamsHash {
  #a = 0;
  #b = 0;

  begin(method: number): this {
    this.#a = 0xdeadbeef;
    this.#b = 0x41c6ce57;
    // Mixed, not only added: else method 4 with "2.00" would be method 5 with "3.00".
    return this.#mix(0x10003).#mix(method);
  }

  /** Undefined and "" differ. */
  text(value: string | undefined): this {
    if (value === undefined) return this.#mix(0x10000);
    for (let i = 0; i < value.length; i++) this.#mix(value.charCodeAt(i));
    return this.#mix(0x10001);
  }

  amount(value: string | undefined, form: AmountForm): this {
    return this.text(value === undefined || form === "written" ? value : normalAmount(value));
  }

  /** A param that its method did not always have: without it the hash is what logs of before hold of the same request. */
  added(value: string | undefined): this {
    return value === undefined ? this : this.text(value);
  }

  number(value: number | undefined): this {
    if (value === undefined) return this.#mix(0x10002);
    const high = Math.floor(value / 0x100000000);
    this.#mix((value - high * 0x100000000) | 0);
    return this.#mix(high);
  }

  end(): number {
    let a = this.#a;
    let b = this.#b;
    a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
    b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
    return 4294967296 * (2097151 & b) + (a >>> 0);
  }

  #mix(value: number): this {
    this.#a = Math.imul(this.#a ^ value, 2654435761);
    this.#b = Math.imul(this.#b ^ value, 1597334677);
    return this;
  }
}
