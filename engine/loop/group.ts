/**
 * The group in the making: all turns since the last one was handed to the journal, as the bytes of one log row.
 *
 * GROUP-1  A group holds whole turns, in the order in which they ran.
 * GROUP-2  The buffer is reused only after the journal has taken the group.
 */

import { ByteWriter } from "../../actors/byte-writer.js";
import { writeFact, writeTurn } from "../../actors/fact-codec.js";
import type { Fact } from "../../actors/facts.js";
import type { Group } from "../../persistence/log/journal.js";

export class GroupWriter {
  readonly #to = new ByteWriter();
  #first = 1;
  #count = 0;
  #lastTime = 0;
  #turnTime = -1;

  /** `position`: of the last fact in the log. */
  constructor(position: number) {
    this.#first = position + 1;
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  get bytes(): number {
    return this.#to.length;
  }

  /** The facts that follow belong to a new turn. A turn without facts leaves no trace. */
  beginTurn(time: number): void {
    this.#turnTime = time;
  }

  add(fact: Fact): void {
    if (this.#turnTime >= 0) {
      writeTurn(this.#turnTime, this.#lastTime, this.#to);
      this.#lastTime = this.#turnTime;
      this.#turnTime = -1;
    }
    writeFact(fact, this.#to);
    this.#count++;
  }

  /** Hands the group over and begins the next one. */
  seal(take: (group: Group) => void): void {
    const last = this.#first + this.#count - 1;
    take({ first: this.#first, last, body: this.#to.view() });
    this.#first = last + 1;
    this.#count = 0;
    this.#lastTime = 0;
    this.#to.reset();
  }
}
