/** A sum of safe integers that may itself be larger than one: the money of a whole ledger. */
export class ExactSum {
  #small = 0;
  #large = 0n;

  add(amount: number): void {
    // Both stay within 2^52, so their sum is exact.
    if (Math.abs(amount) > half) this.#large += BigInt(amount);
    else this.#small += amount;
    if (Math.abs(this.#small) > half) {
      this.#large += BigInt(this.#small);
      this.#small = 0;
    }
  }

  get value(): bigint {
    return this.#large + BigInt(this.#small);
  }
}

const half = 2 ** 52;

/** One sum for each currency, by its code. */
export class CurrencySums {
  readonly #sums = new Map<string, ExactSum>();

  add(currency: string, amount: number): void {
    let sum = this.#sums.get(currency);
    if (!sum) {
      sum = new ExactSum();
      this.#sums.set(currency, sum);
    }
    sum.add(amount);
  }

  of(currency: string): bigint {
    return this.#sums.get(currency)?.value ?? 0n;
  }

  *entries(): Iterable<[currency: string, sum: bigint]> {
    for (const [currency, { value }] of this.#sums) yield [currency, value];
  }
}
