import fc from "fast-check";
import { expect, test } from "vitest";
import { createHistogram, latencyOf, quantile, record, reset } from "../../bench/histogram.js";

/** The slow and obvious one: the smallest value that a share of the sorted values does not exceed. */
function quantileOf(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1]!;
}

const micros = fc.oneof(fc.nat(300), fc.nat(100_000), fc.nat(2 ** 31 - 1), fc.nat(0xffffffff));

test("a quantile is never below that of the sorted values and at most 1/128 above it", () => {
  const cases = fc.record({
    values: fc.array(micros, { minLength: 1, maxLength: 300 }),
    q: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  fc.assert(
    fc.property(cases, ({ values, q }) => {
      const histogram = createHistogram();
      for (const value of values) record(histogram, value);
      const exact = quantileOf(values, q);
      expect(quantile(histogram, q)).toBeGreaterThanOrEqual(exact);
      expect(quantile(histogram, q)).toBeLessThanOrEqual(exact + exact / 128);
    }),
    { numRuns: 500 },
  );
});

test("values below 256 microseconds are exact", () => {
  const histogram = createHistogram();
  for (let value = 0; value < 256; value++) record(histogram, value);
  for (let value = 0; value < 256; value++) expect(quantile(histogram, (value + 1) / 256)).toBe(value);
});

test("the largest value is exact and no quantile exceeds it", () => {
  const histogram = createHistogram();
  for (const value of [5, 1_000_003, 1001]) record(histogram, value);
  expect(latencyOf(histogram)).toEqual({ p50: 1003, p99: 1_000_003, p999: 1_000_003, max: 1_000_003 });
});

test.each([
  [-1, 0],
  [0.9, 0],
  [1.9, 1],
  [2 ** 32 + 5, 2 ** 32 - 1],
])("%d is counted as %d", (value, counted) => {
  const histogram = createHistogram();
  record(histogram, value);
  expect(latencyOf(histogram)).toEqual({ p50: counted, p99: counted, p999: counted, max: counted });
});

test("an empty histogram says 0, and one that was reset is empty", () => {
  const histogram = createHistogram();
  expect(latencyOf(histogram)).toEqual({ p50: 0, p99: 0, p999: 0, max: 0 });
  record(histogram, 77);
  reset(histogram);
  expect(latencyOf(histogram)).toEqual({ p50: 0, p99: 0, p999: 0, max: 0 });
  expect(histogram.count).toBe(0);
});

test("a quantile outside 0..1 is a programmer's error", () => {
  expect(() => quantile(createHistogram(), 99)).toThrow(RangeError);
});
