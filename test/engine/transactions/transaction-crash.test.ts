import { describe, expect, test } from "vitest";
import type { PlanSpec } from "../../../actors/transactions/plan.js";
import type { CallReport, OutCall } from "../../../engine/links/call-dispatcher.js";
import { testEngine } from "../../support/engine.js";
import { balanceOf, product, stockOf } from "../../support/shop.js";
import {
  begin,
  call,
  type Durable,
  journalsUpTo,
  leftOpen,
  lost,
  no,
  ok,
  pay,
  saga,
  tcc,
  tea,
  watchedJournals,
  world,
} from "../../support/transactions.js";

/** A service outside that keeps its promise: one effect for each call's id, whoever dies in between. */
function service(refuse: ReadonlySet<string>, silent: ReadonlySet<string>) {
  const effects = new Map<string, string>();
  const partOf = ({ input }: OutCall) => (JSON.parse(input) as { part: string }).part;
  const act = (call: OutCall): CallReport => {
    const verb = call.name.slice(call.name.indexOf(":") + 1);
    const part = partOf(call);
    if (refuse.has(`${part}:${verb}`)) return no;
    const before = effects.get(part);
    // A try that comes after its cancel does nothing: the service has a fence too.
    if (!((verb === "try" || verb === "do") && before !== undefined)) effects.set(part, verb);
    return silent.has(`${part}:${verb}`) ? lost : ok;
  };
  return { effects, act };
}

interface Case {
  readonly plan: PlanSpec;
  readonly refuse?: readonly string[];
  /** Functions that have their effect, and whose answer is lost. */
  readonly silent?: readonly string[];
  readonly state: "done" | "undone";
  readonly effects: Readonly<Record<string, string>>;
}

const steps = saga(tea(), call("wrap"), pay(), call("send"));
const parts = tcc(tea(), call("wrap"), pay(), call("send"));

const cases: readonly (readonly [string, Case])[] = [
  ["a saga that is done", { plan: steps, state: "done", effects: { wrap: "do", send: "do" } }],
  [
    "a saga whose last step is refused",
    { plan: steps, refuse: ["send:do"], state: "undone", effects: { wrap: "undo" } },
  ],
  [
    "a saga of one of whose steps nobody knows",
    { plan: steps, silent: ["send:do"], state: "undone", effects: { wrap: "undo", send: "undo" } },
  ],
  [
    "a saga that finds too little stock",
    { plan: saga(call("wrap"), pay(), tea(11)), state: "undone", effects: { wrap: "undo" } },
  ],
  ["a TCC that is done", { plan: parts, state: "done", effects: { wrap: "confirm", send: "confirm" } }],
  [
    "a TCC of which one refuses",
    { plan: parts, refuse: ["send:try"], state: "undone", effects: { wrap: "cancel" } },
  ],
  [
    "a TCC of one of whose tries nobody knows",
    { plan: parts, silent: ["send:try"], state: "undone", effects: { wrap: "cancel", send: "cancel" } },
  ],
  [
    "a TCC that finds too little money",
    { plan: tcc(tea(), call("wrap"), pay("100.01")), state: "undone", effects: { wrap: "cancel" } },
  ],
];

describe.each([1, 3])("over %i shards", (shards) => {
  test.each(cases)(
    "COORDINATOR-1: %s: a crash after any record, and it ends the same",
    (_, { plan, state, ...scene }) => {
      const log: Durable[] = [];
      const start = () => {
        const { effects, act } = service(new Set(scene.refuse), new Set(scene.silent));
        const madeAt: number[] = [];
        const fate = (made: OutCall) => {
          madeAt.push(log.length);
          return act(made);
        };
        const names = plan.parts.flatMap((part) => (part.kind === "call" ? [part.name] : []));
        const verbs = ["do", "undo", "try", "confirm", "cancel"];
        const functions = names.flatMap((name) =>
          verbs.map((verb) => [`gift/${name}:${verb}`, fate] as const),
        );
        return { effects, act, madeAt, outside: world(Object.fromEntries(functions)) };
      };
      const first = start();
      const journals = watchedJournals(shards, log);
      const engine = testEngine({ shards, journals, plan: () => plan, outCalls: first.outside.outCalls });
      for (const account of ["ann", "ben"]) {
        engine.ask({ method: "account.open", account, currency: "CNY" });
        engine.ask({ method: "account.deposit", account, amount: "100.00", ref: "start" });
      }
      engine.ask(product("tea", "9.99", { stock: 10 }));
      const before = log.length;
      const id = engine.submit(begin("gift"));
      for (let n = 0; n < 10; n++) engine.pass(1000);
      expect(engine.answerTo(id)?.result.state).toBe(state);
      expect(log.length).toBeGreaterThan(before);

      for (let length = before; length <= log.length; length++) {
        const { effects, act, outside } = start();
        const again = testEngine({
          shards,
          journals: journalsUpTo(shards, log, length),
          plan: () => plan,
          outCalls: outside.outCalls,
          nowMs: Math.floor(engine.clock.micros / 1000),
        });
        // What was done outside before the crash stays done.
        for (const [index, made] of first.outside.calls.entries())
          if (first.madeAt[index]! <= length) act(made);
        again.submit(begin("gift"));
        for (let n = 0; n < 20; n++) again.pass(1000);
        expect(again.ask(begin("gift")).result.state, `after ${length} of ${log.length}`).toBe(state);
        expect(leftOpen(again)).toEqual([]);
        const moved = state === "done" && plan.parts.some(({ kind }) => kind === "money");
        expect([balanceOf(again, "ann"), balanceOf(again, "ben")]).toEqual(
          moved ? ["90.00", "110.00"] : ["100.00", "100.00"],
        );
        expect(stockOf(again, "tea")).toEqual(state === "done" ? [8, 0, 2] : [10, 0, 0]);
        for (const [part, verb] of Object.entries(scene.effects)) expect(effects.get(part), part).toBe(verb);
      }
    },
  );
});
