/**
 * A table of numbers for what comes in millions: rows of `stride` float64 side by side, in chunks of 8,192 rows.
 *
 * Row by row, because a turn touches most fields of one row: one or two cache lines instead of a dozen. In chunks, because
 * growing by copying stalls the loop (128 MB: about 50 ms). Off the JS heap, so that ten million orders cost the garbage
 * collector nothing. Every number of the engine is a safe integer, which float64 holds exactly.
 *
 * Rows are added at the end and may be dropped at the front; a row keeps its index for ever.
 */

const rowsPerChunk = 8192;
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
    if (chunkOf(row) >= this.#chunks.length) this.#chunks.push(new Float64Array(rowsPerChunk * this.stride));
    return row;
  }

  get(row: number, field: number): number {
    return this.#chunks[chunkOf(row)]![(row & mask) * this.stride + field]!;
  }

  set(row: number, field: number, value: number): void {
    this.#chunks[chunkOf(row)]![(row & mask) * this.stride + field] = value;
  }

  /** The chunk that holds the row, for a caller that reads many fields of it; the row begins at `offset(row)`. */
  chunk(row: number): Float64Array {
    return this.#chunks[chunkOf(row)]!;
  }

  offset(row: number): number {
    return (row & mask) * this.stride;
  }

  /** Forgets every row before `row`. */
  dropBefore(row: number): void {
    const whole = chunkOf(row);
    for (let chunk = chunkOf(this.start); chunk < whole; chunk++) this.#chunks[chunk] = undefined;
    this.start = row;
  }

  /** What a snapshot needs: the bounds, then the kept rows. */
  *save(): Iterable<Uint8Array> {
    yield new Uint8Array(Float64Array.of(this.start, this.end).buffer);
    for (let row = this.start; row < this.end; ) {
      const until = Math.min(this.end, (chunkOf(row) + 1) * rowsPerChunk);
      const from = this.offset(row);
      const chunk = this.chunk(row).subarray(from, from + (until - row) * this.stride);
      yield new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      row = until;
    }
  }

  /** The other half of `save`; `take(n)` gives the next n bytes. */
  load(take: (bytes: number) => Uint8Array): void {
    // A Buffer's `slice` is a view into a pool; the constructor copies.
    const [start, end] = new Float64Array(new Uint8Array(take(16)).buffer);
    this.start = start!;
    this.end = end!;
    this.#chunks = Array.from({ length: chunkOf(this.end + mask) }, (_, chunk) =>
      chunk < chunkOf(this.start) ? undefined : new Float64Array(rowsPerChunk * this.stride),
    );
    for (let row = this.start; row < this.end; ) {
      const until = Math.min(this.end, (chunkOf(row) + 1) * rowsPerChunk);
      const bytes = take((until - row) * this.stride * 8);
      const chunk = this.chunk(row);
      new Uint8Array(chunk.buffer, this.offset(row) * 8, bytes.length).set(bytes);
      row = until;
    }
  }
}

/** Not a shift: shifts wrap at 2^32 rows, which keys reach after four hours at 300,000 a second. */
function chunkOf(row: number): number {
  return Math.floor(row / rowsPerChunk);
}
