/**
 * The world outside as transactions know it: one that does things when it is called, with a memory of its own for every part.
 *
 *   try, do    reserves or does it, or refuses; after its cancel it does nothing
 *   confirm    makes good what was tried
 *   cancel     gives it back; undo likewise; either may come before what it undoes
 *   ask        says whether it was done; what was not, it will not do any more
 *
 * CARRIER-1  It does a thing once, however often it is called, and says the same about it every time.
 * CARRIER-2  Nobody asks it to confirm what was canceled or never tried, or to cancel what was confirmed.
 * CARRIER-3  One call of a part has one id, in every attempt and every life of its shard.
 */

import type { CallReport, OutCall } from "../../engine/links/call-dispatcher.js";
import type { Host } from "./host.js";
import { isHomeless, transactionName } from "./transaction-plan.js";
import type { World } from "./world.js";

export type CarrierState =
  | "none"
  | "refused"
  | "tried"
  | "done"
  | "confirmed"
  | "canceled"
  | "undone"
  | "tombstone";
type Verb = "try" | "do" | "ask" | "confirm" | "cancel" | "undo";

/** What it remembers of a part of a transaction. */
export interface Work {
  state: CarrierState;
  /** Calls by what they were for: their id, and when the first of them came. */
  readonly calls: Map<Verb, { readonly id: string; readonly first: number; count: number }>;
  /** How often it still fails before it does what it is asked for. */
  forwardFailures: number;
  endFailures: number;
  /** It does not fail to end it, but refuses. */
  readonly stubborn: boolean;
  readonly unwilling: boolean;
}

interface Said {
  readonly transaction: string;
  readonly name: string;
  readonly part: string;
}

const ends: ReadonlySet<Verb> = new Set<Verb>(["confirm", "cancel", "undo"]);

const tooLate: CallReport = { how: "refused", text: '"it was called off"' };

export class Carrier {
  /** By "transaction/part". */
  readonly works = new Map<string, Work>();
  #calls = 0;
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /** The engine's seam to it, for one life of one host. */
  ofHost(host: Host, incarnation: number) {
    const alive = () => host.incarnation === incarnation && host.shard !== undefined;
    return {
      knows: (name: string) => {
        if (!name.startsWith(`${transactionName}/`)) return false;
        return !isHomeless(partOf(name)) || incarnation % 2 === 0;
      },
      call: (call: OutCall, report: (report: CallReport) => void) => {
        const { audit, coverage } = this.#world;
        const { position } = host.shard!.books;
        if (host.durable !== position)
          audit.violation(`${call.call} is handed out at ${position}, durable is ${host.durable}`);
        coverage.hit("carrier called");
        this.#call(call, (said) => {
          if (alive()) report(said);
          else coverage.hit("carrier's answer to a dead shard");
        });
      },
    };
  }

  /** Somebody has looked after it: it does what it is asked for. */
  mend(subject: string): void {
    const work = this.#work(subject);
    work.forwardFailures = 0;
    work.endFailures = 0;
  }

  /** Somebody does by hand what a function should have, or sees to it that it is never done. Whether it is done now. */
  byHand(subject: string, done: boolean, verb: string): boolean {
    const work = this.#work(subject);
    if (work.state === "none") work.state = !done ? "tombstone" : verb === "try" ? "tried" : "done";
    return work.state === "tried" || work.state === "done";
  }

  #work(subject: string): Work {
    let work = this.works.get(subject);
    if (!work) {
      const { random } = this.#world;
      work = {
        state: "none",
        calls: new Map(),
        forwardFailures: random.pick([0, 0, 0, 0, 0, 1, 2, 5]),
        endFailures: random.pick([0, 0, 0, 0, 0, 0, 1, 3, 12, Number.POSITIVE_INFINITY]),
        stubborn: random.chance(0.4),
        unwilling: random.chance(0.12),
      };
      this.works.set(subject, work);
    }
    return work;
  }

  #call(call: OutCall, report: (report: CallReport) => void): void {
    const { random, plan, schedule, coverage, healed, trace } = this.#world;
    const verb = verbOf(call.name);
    const { transaction, part } = this.#read(call);
    const subject = `${transaction}/${part}`;
    const work = this.#work(subject);
    this.#recognise(call, subject, work, verb);
    trace.note(schedule.now, `call ${call.call} ${call.attempt} ${subject}:${verb}`);
    const failed = () => report({ how: "failed", error: "no answer in time" });
    const overdue = () => report({ how: "failed", error: "no answer in time", running: true });
    const { lose, late, double } = healed ? { lose: 0, late: 0, double: 0 } : plan.providers;
    if (random.chance(lose)) {
      coverage.hit("call to a carrier lost");
      schedule.after(20_000, failed);
      return;
    }
    let delay = random.between(100, 5000);
    if (random.chance(late)) {
      // By then it is called again, or called off.
      coverage.hit("call to a carrier late");
      delay += random.between(30_000, 1_000_000);
      schedule.after(20_000, overdue);
    }
    schedule.after(delay, () => {
      const answer = this.#fails(work, verb) ?? this.#act(subject, work, verb);
      if (random.chance(lose)) {
        coverage.hit("carrier's answer lost");
        schedule.after(20_000, failed);
      } else if (random.chance(late)) {
        coverage.hit("carrier's answer late");
        schedule.after(20_000, overdue);
        schedule.after(random.between(30_000, 1_500_000), () => report(answer));
      } else {
        report(answer);
        if (random.chance(double)) schedule.after(random.between(10, 5000), () => report(answer));
      }
    });
  }

  /** What it is told is what was asked for. */
  #read(call: OutCall): Said {
    const said = JSON.parse(call.input) as Said;
    const known = said.name === transactionName && said.part === partOf(call.name);
    if (!known) this.#world.audit.violation(`${call.call}: ${call.name} is told ${call.input}`);
    return said;
  }

  /** CARRIER-3. */
  #recognise({ call }: OutCall, subject: string, work: Work, verb: Verb): void {
    const known = work.calls.get(verb);
    if (!known) {
      work.calls.set(verb, { id: call, first: ++this.#calls, count: 1 });
      return;
    }
    // What it did too late is undone once more, by a call of its own.
    if (known.id !== call && (verb === "undo" || verb === "cancel")) this.#world.coverage.hit("undone again");
    else if (known.id !== call)
      this.#world.audit.violation(`${subject}:${verb} is called as ${call}, and was ${known.id}`);
    known.count++;
    this.#world.coverage.hit("carrier called again for one thing");
  }

  #fails(work: Work, verb: Verb): CallReport | undefined {
    const { coverage } = this.#world;
    if (!ends.has(verb)) {
      if (work.forwardFailures === 0) return undefined;
      work.forwardFailures--;
      return { how: "failed", error: "out of order" };
    }
    if (work.endFailures === 0) return undefined;
    work.endFailures--;
    if (!work.stubborn) return { how: "failed", error: "out of order" };
    coverage.hit("carrier refuses to end it");
    return { how: "refused", text: '"not today"' };
  }

  #act(subject: string, work: Work, verb: Verb): CallReport {
    const { coverage } = this.#world;
    const done: CallReport = { how: "done", text: JSON.stringify({ ref: subject }) };
    const { state } = work;
    switch (verb) {
      case "try":
      case "do":
        if (state === "none") {
          work.state = work.unwilling ? "refused" : verb === "try" ? "tried" : "done";
          if (work.unwilling) coverage.hit("carrier refuses");
        } else if (state !== "tried" && state !== "done" && state !== "refused")
          coverage.hit("carrier called after it was called off");
        if (work.state === "refused") return { how: "refused", text: '"not for you"' };
        return work.state === "tried" || work.state === "done" ? done : tooLate;
      case "ask":
        coverage.hit("carrier asked");
        if (state === "none") work.state = "tombstone";
        return state === "done" ? done : tooLate;
      case "confirm":
        if (state !== "tried" && state !== "confirmed") this.#contradiction(subject, verb, state);
        work.state = "confirmed";
        return done;
      case "cancel":
        if (state === "confirmed") this.#contradiction(subject, verb, state);
        if (state === "none") coverage.hit("carrier called off before it was called");
        work.state = state === "none" ? "tombstone" : "canceled";
        return done;
      case "undo":
        if (state === "none") coverage.hit("carrier called off before it was called");
        work.state = state === "none" ? "tombstone" : "undone";
        return done;
    }
  }

  /** CARRIER-2. */
  #contradiction(subject: string, verb: Verb, state: CarrierState): never {
    return this.#world.audit.violation(`${subject}: ${verb}, and it is ${state}`);
  }
}

/** "deal/c1:try". */
function verbOf(name: string): Verb {
  return name.slice(name.lastIndexOf(":") + 1) as Verb;
}

function partOf(name: string): string {
  return name.slice(name.indexOf("/") + 1, name.lastIndexOf(":"));
}
