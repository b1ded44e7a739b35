/**
 * The service outside that transactions call, with books of its own. Calls and answers are lost, late and doubled; it
 * refuses; it is down for a while; and some ends it will not do until a human has spoken with it.
 *
 * CA1  Under one call's id it has one effect and gives one answer.
 * CA2  A parcel that was given up stays given up: a try or a step that comes later is refused. So is one that comes after
 *      the question whether it had been done.
 * CA3  It is never asked to confirm what was not tried, nor to undo what was confirmed; and each of these under one id.
 */

import type { CallReport, OutCall } from "../../engine/call-desk.js";
import { modes } from "./deals.js";
import type { World } from "./world.js";

type State = "none" | "reserved" | "done" | "confirmed" | "undone";

export interface Parcel {
  state: State;
  /** It refuses to end it until a human has spoken with it. */
  stubborn: boolean;
  /** By hand: nothing is done any more, whoever calls. */
  closed: boolean;
  /** verb -> id of its call. */
  readonly ids: Map<string, string>;
  /** By id. */
  readonly answers: Map<string, CallReport>;
}

const ends: ReadonlySet<string> = new Set(["undo", "cancel", "confirm"]);

export class Carrier {
  /** By "t<number>/<part>". */
  readonly parcels = new Map<string, Parcel>();
  #downUntil = 0;
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  knows(name: string): boolean {
    const [definition, part] = name.split("/");
    return modes[definition!] !== undefined && part !== undefined;
  }

  /** Nobody is there for a while. */
  close(micros: number): void {
    const { schedule, coverage, trace } = this.#world;
    coverage.hit("carrier down");
    trace.note(schedule.now, `carrier down for ${micros}`);
    this.#downUntil = Math.max(this.#downUntil, schedule.now + micros);
  }

  /** The world is well again; a strike goes on for longer than a human is left in the dark. */
  heal(): void {
    const { plan, random, schedule } = this.#world;
    this.#downUntil = schedule.now;
    if (plan.carrier.strike) this.close(random.between(55_000_000, 65_000_000));
  }

  /** What a human has it do. */
  agree(subject: string): void {
    const parcel = this.#parcel(subject);
    parcel.stubborn = false;
    parcel.closed = false;
  }

  endByHand(subject: string, verb: string): void {
    const parcel = this.#parcel(subject);
    if (parcel.closed) return;
    this.#end(subject, parcel, verb);
  }

  leaveByHand(subject: string): void {
    const parcel = this.#parcel(subject);
    if (parcel.state !== "undone" && parcel.state !== "confirmed") parcel.closed = true;
  }

  call(call: OutCall, report: (report: CallReport) => void): void {
    const { random, plan, schedule, coverage, healed, trace, audit } = this.#world;
    const { transaction, part } = JSON.parse(call.input) as { transaction: string; part: string };
    const subject = `${transaction}/${part}`;
    const verb = call.name.slice(call.name.indexOf(":") + 1);
    const { ids } = this.#parcel(subject);
    if ((ids.get(verb) ?? call.call) !== call.call)
      audit.violation(`${subject}: ${verb} is called as ${call.call}, and was as ${ids.get(verb)}`);
    ids.set(verb, call.call);
    if (call.attempt > 1) coverage.hit("carrier called again");
    trace.note(schedule.now, `call ${call.call} ${call.attempt} ${subject} ${verb}`);
    const failed = () => report({ how: "failed", error: "no answer in time" });
    const { lose, late, double } = healed ? calm : plan.carrier;
    if (random.chance(lose)) {
      coverage.hit("call to the carrier lost");
      schedule.after(30_000, failed);
      return;
    }
    const arrive = () => this.#arrive(call.call, subject, verb);
    if (random.chance(late)) {
      coverage.hit("call to the carrier late");
      schedule.after(30_000, failed);
      schedule.after(random.between(30_000, 2_000_000), () => report(arrive()));
      return;
    }
    schedule.after(random.between(100, 8000), () => {
      const said = arrive();
      if (random.chance(lose)) {
        coverage.hit("carrier's answer lost");
        schedule.after(30_000, failed);
      } else if (random.chance(late)) {
        schedule.after(30_000, failed);
        schedule.after(random.between(40_000, 1_500_000), () => report(said));
      } else report(said);
      if (random.chance(double)) schedule.after(random.between(10, 900_000), () => report(arrive()));
    });
  }

  #arrive(id: string, subject: string, verb: string): CallReport {
    const { schedule } = this.#world;
    const parcel = this.#parcel(subject);
    const before = parcel.answers.get(id);
    if (before) return before;
    if (schedule.now < this.#downUntil || parcel.closed) return { how: "failed", error: "nobody is there" };
    if (ends.has(verb) && parcel.stubborn) return { how: "refused", text: '{"reason":"not today"}' };
    const said = this.#act(subject, parcel, verb);
    parcel.answers.set(id, said);
    return said;
  }

  #act(subject: string, parcel: Parcel, verb: string): CallReport {
    const { random, plan } = this.#world;
    const done: CallReport = { how: "done", text: `{"parcel":"${subject}"}` };
    switch (verb) {
      case "try":
      case "do":
        if (parcel.state !== "none") return { how: "refused", text: '{"reason":"it was given up"}' };
        if (random.chance(plan.carrier.refuse)) return { how: "refused", text: '{"reason":"full"}' };
        parcel.state = verb === "try" ? "reserved" : "done";
        return done;
      case "ask":
        this.#world.coverage.hit("carrier asked what became of a step");
        if (parcel.state === "done") return done;
        parcel.state = "undone";
        return { how: "refused", text: '{"reason":"it was not done"}' };
      default:
        this.#end(subject, parcel, verb);
        return done;
    }
  }

  /** CA3. */
  #end(subject: string, parcel: Parcel, verb: string): void {
    const { audit } = this.#world;
    const { state } = parcel;
    if (verb === "confirm") {
      if (state !== "reserved" && state !== "confirmed")
        audit.violation(`${subject} is to be confirmed, and is ${state}`);
      parcel.state = "confirmed";
      return;
    }
    if (state === "confirmed") audit.violation(`${subject} is to be undone, and is confirmed`);
    parcel.state = "undone";
  }

  #parcel(subject: string): Parcel {
    let parcel = this.parcels.get(subject);
    if (!parcel) {
      const { random, plan } = this.#world;
      const stubborn = random.chance(plan.carrier.stubborn);
      parcel = { state: "none", stubborn, closed: false, ids: new Map(), answers: new Map() };
      this.parcels.set(subject, parcel);
    }
    return parcel;
  }
}

const calm = { lose: 0, late: 0, double: 0 };
