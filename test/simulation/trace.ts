/** What happened in a run, in order: as a hash, to compare two runs of one seed, and as lines for a person. */
export class Trace {
  #a = 0x811c9dc5;
  #b = 0x1b873593;
  readonly #print: ((line: string) => void) | undefined;
  events = 0;

  constructor(print?: (line: string) => void) {
    this.#print = print;
  }

  note(micros: number, line: string): void {
    this.events++;
    this.#mix(micros);
    for (let i = 0; i < line.length; i++) this.#mix(line.charCodeAt(i));
    this.#print?.(`${(micros / 1000).toFixed(3).padStart(10)} ${line}`);
  }

  get hash(): string {
    return (this.#a >>> 0).toString(16).padStart(8, "0") + (this.#b >>> 0).toString(16).padStart(8, "0");
  }

  #mix(value: number): void {
    this.#a = Math.imul(this.#a ^ value, 0x01000193);
    this.#b = Math.imul(this.#b ^ value, 0x85ebca6b) ^ (this.#b >>> 13);
  }
}
