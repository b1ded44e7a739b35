/** A queue that doubles when it is full: no allocation and no copying once it has the size of the load. */
export class Ring<T> {
  #items: (T | undefined)[];
  #head = 0;
  size = 0;

  /** `capacity`: a power of two, to begin with. */
  constructor(capacity: number) {
    this.#items = new Array<T | undefined>(capacity).fill(undefined);
  }

  get capacity(): number {
    return this.#items.length;
  }

  put(item: T): void {
    if (this.size === this.#items.length) this.#grow();
    this.#items[(this.#head + this.size) & (this.#items.length - 1)] = item;
    this.size++;
  }

  putFirst(item: T): void {
    if (this.size === this.#items.length) this.#grow();
    this.#head = (this.#head - 1) & (this.#items.length - 1);
    this.#items[this.#head] = item;
    this.size++;
  }

  take(): T | undefined {
    if (this.size === 0) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#items.length - 1);
    this.size--;
    return item;
  }

  clear(): void {
    while (this.size > 0) this.take();
  }

  #grow(): void {
    const items = this.#items;
    const inOrder = [...items.slice(this.#head), ...items.slice(0, this.#head)];
    this.#items = inOrder.concat(new Array<T | undefined>(items.length).fill(undefined));
    this.#head = 0;
  }
}
