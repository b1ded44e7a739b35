/**
 * A table of numbers for what comes in millions: rows of `stride` float64 side by side, in chunks of 8,192 rows.
 *
 *   newest chunk    8,192 rows, each at its place                                 [ 0 1 2 3 4 5 . . ]
 *   older chunk     the same, dropped rows marked                                 [ 0 x 2 3 x 5 6 7 ]
 *   thinned chunk   the rows that are left close together, with their places      [ 2 5 ] at 2, 5
 *   empty chunk     nothing
 *
 * Row by row, because a turn touches most fields of one row: one or two cache lines instead of a dozen. In chunks, because
 * growing by copying stalls the loop (128 MB: about 50 ms). Off the JS heap, so that ten million orders cost the garbage
 * collector nothing. Every number of the engine is a safe integer, which float64 holds exactly; so NaN is free to mark a
 * dropped row.
 *
 * ROWS-1  A row keeps its index for ever, wherever its numbers are moved to, and no index is given out twice.
 * ROWS-2  Every chunk but the newest has at least a sixteenth of the rows that it has room for. So `bytes` is never more than
 *         16 x (8 x stride + 2) for each row that is there, and one chunk.
 * ROWS-3  What is saved depends on the rows that are there alone, never on the chunks' forms: a table that was loaded goes on
 *         to give the same bytes as the one that never was.
 *
 * A row is added at the end. A table is dropped from in one of two ways: at the front (`dropBefore`), or anywhere (`drop`).
 *
 * Why a sixteenth: when orders are dropped in order, the commonest case, one with two lines costs 42 ns if no memory is ever
 * given back, 100 with a sixteenth, 125 with an eighth. And it is the bound of the worst case only: the chunks of orders that
 * are dropped by their age are nearly full or empty, and a thinned chunk begins with nothing but what was left.
 */

const rowsPerChunk = 8192;
const mask = rowsPerChunk - 1;
const roomPerRow = 16;

export class Rows {
  readonly stride: number;
  /** By the chunk's number; undefined once it is empty, which costs 24 bytes for every 8,192 rows that ever were. */
  #chunks: (Float64Array | undefined)[] = [];
  /** Of a thinned chunk, the places of its rows: their index & `mask`, ascending. */
  #places: (Uint16Array | undefined)[] = [];
  /** No row from here on stands in a thinned chunk: one comparison for the recent rows instead of a look at `#places`. */
  #wholeFrom = 0;
  /** How many rows of each chunk were dropped by `drop`, and of all. */
  #dropped: number[] = [];
  #droppedAll = 0;
  /** Index after the last row. */
  end = 0;
  /** Index of the first row that `dropBefore` has left. */
  start = 0;

  constructor(stride: number) {
    this.stride = stride;
  }

  /** How many rows are there. */
  get count(): number {
    return this.end - this.start - this.#droppedAll;
  }

  /** Memory of the rows: all but some 500 bytes of objects for each chunk that is not empty. */
  get bytes(): number {
    let bytes = 0;
    for (const chunk of this.#chunks) bytes += chunk?.byteLength ?? 0;
    for (const places of this.#places) bytes += places?.byteLength ?? 0;
    return bytes;
  }

  /** Adds a row of zeros; its index. */
  add(): number {
    const row = this.end++;
    if (chunkOf(row) >= this.#chunks.length) this.#open();
    return row;
  }

  /** Whether the row was added and not dropped. The methods below are for rows that are there. */
  has(row: number): boolean {
    if (row < this.start || row >= this.end) return false;
    const chunk = this.#chunks[chunkOf(row)];
    if (chunk === undefined) return false;
    const at = this.offset(row);
    return at >= 0 && !Number.isNaN(chunk[at]);
  }

  get(row: number, field: number): number {
    return this.#chunks[chunkOf(row)]![this.offset(row) + field]!;
  }

  set(row: number, field: number, value: number): void {
    this.#chunks[chunkOf(row)]![this.offset(row) + field] = value;
  }

  /** The chunk that holds the row, for a caller that reads many fields of it; the row begins at `offset(row)`. */
  chunk(row: number): Float64Array {
    return this.#chunks[chunkOf(row)]!;
  }

  /** Negative if the row is not in a thinned chunk any more. Holds until the next `add` or `drop`, which may move the row. */
  offset(row: number): number {
    return (row >= this.#wholeFrom ? row & mask : this.#indexIn(row)) * this.stride;
  }

  /** Calls `visit` for every row that is there, in order. `visit` may drop rows. */
  each(visit: (row: number) => void): void {
    for (let chunk = chunkOf(this.start); chunk < this.#chunks.length; chunk++) {
      if (this.#chunks[chunk] === undefined) continue;
      const places = this.#places[chunk];
      const first = chunk * rowsPerChunk;
      const count = places?.length ?? this.#rowsUpTo(chunk);
      for (let n = 0; n < count; n++) {
        const row = first + (places?.[n] ?? n);
        if (this.has(row)) visit(row);
      }
    }
  }

  /** Forgets a row that is there. */
  drop(row: number): void {
    const chunk = chunkOf(row);
    this.#chunks[chunk]![this.offset(row)] = Number.NaN;
    this.#dropped[chunk]!++;
    this.#droppedAll++;
    if (chunk < this.#chunks.length - 1) this.#thin(chunk);
  }

  /** Forgets every row before `row`. */
  dropBefore(row: number): void {
    const whole = chunkOf(row);
    for (let chunk = chunkOf(this.start); chunk < whole; chunk++) {
      this.#chunks[chunk] = undefined;
      this.#places[chunk] = undefined;
    }
    this.start = row;
  }

  /** What a snapshot needs: the bounds, then of every chunk the rows that are there, and their places if some are not. */
  *save(): Iterable<Uint8Array> {
    yield bytesOf(Float64Array.of(this.start, this.end));
    for (let number = chunkOf(this.start); number < this.#chunks.length; number++) {
      const chunk = this.#chunks[number];
      if (chunk === undefined) continue;
      if (this.#dropped[number] === 0 && number * rowsPerChunk >= this.start) {
        const rows = this.#rowsUpTo(number);
        yield bytesOf(Float64Array.of(number, rows));
        yield bytesOf(chunk.subarray(0, rows * this.stride));
        continue;
      }
      const left = this.#left(number);
      if (left.places.length === 0) continue;
      yield bytesOf(Float64Array.of(number, left.places.length));
      yield bytesOf(left.places);
      yield bytesOf(left.rows);
    }
    yield bytesOf(Float64Array.of(noChunk, 0));
  }

  /** The other half of `save`; `take(n)` gives the next n bytes. */
  load(take: (bytes: number) => Uint8Array): void {
    // A Buffer's `slice` is a view into a pool; the constructor copies.
    const pair = () => new Float64Array(new Uint8Array(take(16)).buffer) as unknown as [number, number];
    [this.start, this.end] = pair();
    const chunks = chunkOf(this.end + mask);
    this.#chunks = new Array(chunks).fill(undefined);
    this.#places = new Array(chunks).fill(undefined);
    this.#wholeFrom = 0;
    this.#dropped = Array.from({ length: chunks }, (_, chunk) => this.#rowsUpTo(chunk));
    for (let [chunk, count] = pair(); chunk !== noChunk; [chunk, count] = pair()) {
      this.#dropped[chunk]! -= count;
      this.#loadChunk(chunk, count, take);
    }
    // The newest chunk is there even if none of its rows is: rows are added to it.
    if (chunks > 0)
      this.#chunks[chunks - 1] ??= this.#spread(chunks - 1, new Uint16Array(0), new Float64Array(0));
    this.#droppedAll = 0;
    for (let chunk = chunkOf(this.start); chunk < chunks; chunk++) this.#droppedAll += this.#dropped[chunk]!;
    this.#droppedAll -= this.start % rowsPerChunk;
  }

  #loadChunk(chunk: number, count: number, take: (bytes: number) => Uint8Array): void {
    const whole = count === this.#rowsUpTo(chunk);
    const places = new Uint16Array(whole ? 0 : count);
    bytesOf(places).set(take(places.byteLength));
    const rows = new Float64Array((whole ? rowsPerChunk : count) * this.stride);
    bytesOf(rows).set(take(count * this.stride * 8));
    if (whole) {
      this.#chunks[chunk] = rows;
    } else if (chunk < this.#chunks.length - 1 && count * roomPerRow < rowsPerChunk) {
      this.#chunks[chunk] = rows;
      this.#places[chunk] = places;
      this.#wholeFrom = (chunk + 1) * rowsPerChunk;
    } else {
      this.#chunks[chunk] = this.#spread(chunk, places, rows);
    }
  }

  /** Where a row stands in its chunk, or -1. */
  #indexIn(row: number): number {
    const places = this.#places[chunkOf(row)];
    return places === undefined ? row & mask : placeIn(places, row & mask);
  }

  /** How many rows of a chunk were ever added. */
  #rowsUpTo(chunk: number): number {
    return Math.min(rowsPerChunk, this.end - chunk * rowsPerChunk);
  }

  /** A new newest chunk. The one before it may have been empty for long. */
  #open(): void {
    this.#chunks.push(new Float64Array(rowsPerChunk * this.stride));
    this.#places.push(undefined);
    this.#dropped.push(0);
    if (this.#chunks.length > 1) this.#thin(this.#chunks.length - 2);
  }

  /** ROWS-2 of a chunk to which no row will be added. */
  #thin(chunk: number): void {
    if (this.#chunks[chunk] === undefined) return;
    const count = rowsPerChunk - this.#dropped[chunk]!;
    if (count * roomPerRow >= (this.#places[chunk]?.length ?? rowsPerChunk)) return;
    const left = count === 0 ? undefined : this.#left(chunk);
    this.#chunks[chunk] = left?.rows;
    this.#places[chunk] = left?.places;
    if (left) this.#wholeFrom = Math.max(this.#wholeFrom, (chunk + 1) * rowsPerChunk);
  }

  /** The rows of a chunk that are there, close together, and their places. */
  #left(chunk: number): { rows: Float64Array; places: Uint16Array } {
    const from = this.#chunks[chunk]!;
    const old = this.#places[chunk];
    const { stride } = this;
    const held = old?.length ?? this.#rowsUpTo(chunk);
    const firstPlace = Math.max(0, this.start - chunk * rowsPerChunk);
    const count = this.#rowsUpTo(chunk) - this.#dropped[chunk]!;
    const rows = new Float64Array(count * stride);
    const places = new Uint16Array(count);
    let kept = 0;
    for (let n = 0; n < held && kept < count; n++) {
      const place = old === undefined ? n : old[n]!;
      if (Number.isNaN(from[n * stride]) || place < firstPlace) continue;
      copyRow(from, n, rows, kept, stride);
      places[kept++] = place;
    }
    // Fewer than were not dropped one by one: `dropBefore` has left only a part of the chunk.
    return { rows: rows.subarray(0, kept * stride), places: places.subarray(0, kept) };
  }

  /** The other half of `#left`: each row at its place, the others marked as dropped. */
  #spread(chunk: number, places: Uint16Array, rows: Float64Array): Float64Array {
    const to = new Float64Array(rowsPerChunk * this.stride);
    to.fill(Number.NaN, 0, this.#rowsUpTo(chunk) * this.stride);
    places.forEach((place, n) => {
      copyRow(rows, n, to, place, this.stride);
    });
    return to;
  }
}

/** Stands where a chunk's number would, after the last one. */
const noChunk = -1;

/** Not a transfer: transfers wrap at 2^32 rows, which keys reach after four hours at 300,000 a second. */
function chunkOf(row: number): number {
  return Math.floor(row / rowsPerChunk);
}

/** Where `place` stands among ascending places, or -1. */
function placeIn(places: Uint16Array, place: number): number {
  let low = 0;
  let high = places.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (places[middle]! < place) low = middle + 1;
    else high = middle;
  }
  return places[low] === place ? low : -1;
}

/** A loop: `set` of a `subarray` makes an object for each row. */
function copyRow(from: Float64Array, row: number, to: Float64Array, place: number, stride: number): void {
  for (let field = 0; field < stride; field++) to[place * stride + field] = from[row * stride + field]!;
}

function bytesOf(numbers: Float64Array | Uint16Array): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}
