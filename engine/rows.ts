/**
 * A table of numbers for what comes in millions: rows of `stride` float64 side by side, in chunks of 8,192 rows.
 *
 * Row by row, because a turn touches most fields of one row: one or two cache lines instead of a dozen. In chunks, because
 * growing by copying stalls the loop (128 MB: about 50 ms). Off the JS heap, so that ten million orders cost the garbage
 * collector nothing. Every number of the engine is a safe integer, which float64 holds exactly.
 *
 * Rows are added at the end and may be dropped at the front; a row keeps its index for ever.
 */

const shift = 13;
const rowsPerChunk = 1 << shift;
const mask = rowsPerChunk - 1;

export class Rows {
  readonly stride: number;
  #chunks: (Float64Array | undefined)[] = [];
  /** Index after the last row. */
  end = 0;
  /** Index of the first row that is still kept. */
  start = 0;

  constructor(stride: number) {
    this.stride = stride;
  }

  /** Adds a row of zeros; its index. */
  add(): number {
    const row = this.end++;
    if (row >>> shift >= this.#chunks.length) this.#chunks.push(new Float64Array(rowsPerChunk * this.stride));
    return row;
  }

  get(row: number, field: number): number {
    return this.#chunks[row >>> shift]![(row & mask) * this.stride + field]!;
  }

  set(row: number, field: number, value: number): void {
    this.#chunks[row >>> shift]![(row & mask) * this.stride + field] = value;
  }

  /** The chunk that holds the row, for a caller that reads many fields of it; the row begins at `offset(row)`. */
  chunk(row: number): Float64Array {
    return this.#chunks[row >>> shift]!;
  }

  offset(row: number): number {
    return (row & mask) * this.stride;
  }

  /** Forgets every row before `row`. */
  dropBefore(row: number): void {
    const whole = row >>> shift;
    for (let chunk = this.start >>> shift; chunk < whole; chunk++) this.#chunks[chunk] = undefined;
    this.start = row;
  }

  /** What a snapshot needs: the bounds, then the kept rows. */
  *save(): Iterable<Uint8Array> {
    yield new Uint8Array(Float64Array.of(this.start, this.end).buffer);
    for (let row = this.start; row < this.end; ) {
      const until = Math.min(this.end, (row | mask) + 1);
      const from = this.offset(row);
      const chunk = this.chunk(row).subarray(from, from + (until - row) * this.stride);
      yield new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      row = until;
    }
  }

  /** The other half of `save`; `take(n)` gives the next n bytes. */
  load(take: (bytes: number) => Uint8Array): void {
    const [start, end] = new Float64Array(take(16).slice().buffer);
    this.start = start!;
    this.end = end!;
    this.#chunks = Array.from({ length: (this.end + mask) >>> shift }, (_, chunk) =>
      chunk < this.start >>> shift ? undefined : new Float64Array(rowsPerChunk * this.stride),
    );
    for (let row = this.start; row < this.end; ) {
      const until = Math.min(this.end, (row | mask) + 1);
      const bytes = take((until - row) * this.stride * 8);
      const chunk = this.chunk(row);
      new Uint8Array(chunk.buffer, this.offset(row) * 8, bytes.length).set(bytes);
      row = until;
    }
  }
}
