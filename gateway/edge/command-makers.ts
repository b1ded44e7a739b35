/**
 * Commands from checked params: a function for each method, written from its row. Straight-line code, so that all commands of a
 * method have one hidden class: every param has its field, in the order of the row, and one that was left out holds its default
 * or undefined. For `order.pay`:
 *
 *     return { requester, id, refuseAfter, method: "order.pay", key: params.key, order: params.order, at: params.at };
 */

import type { Static, TOptional, TSchema } from "typebox";
import type { CommandOf, Envelope } from "../../engine/seams/commands.js";
import type { Requester, RequestId } from "../../engine/seams/requester.js";
import { type EngineMethod, methodNames, methods, type ParamSchemas } from "./methods.js";

type ValueOf<S> = S extends TSchema ? Static<S> : never;

type GivenOf<S> = S extends TOptional<TSchema> ? ValueOf<S> | undefined : ValueOf<S>;

type MadeOf<S> = S extends { readonly default: unknown } ? ValueOf<S> : GivenOf<S>;

/** What is given to a maker: what is left out may be undefined, too. */
export type Given<M extends EngineMethod> = {
  readonly [P in keyof ParamSchemas<M>]: GivenOf<ParamSchemas<M>[P]>;
};

type Make<M extends EngineMethod> = (
  requester: Requester,
  id: RequestId,
  refuseAfter: number,
  params: Given<M>,
) => CommandOf<M>;

/** The fields of a command that its row makes. */
type Made<M extends EngineMethod> = { [P in keyof ParamSchemas<M>]: MadeOf<ParamSchemas<M>[P]> };

/** The fields that the engine reads. */
type Read<M extends EngineMethod> = Omit<CommandOf<M>, keyof Envelope | "method">;

/** Methods whose row makes other fields than the engine reads: there must be none, or this file does not compile. */
type Unfit = {
  [M in EngineMethod]: [Made<M>] extends [Read<M>] ? (keyof Made<M> extends keyof Read<M> ? never : M) : M;
}[EngineMethod];

type Makers = [Unfit] extends [never] ? { readonly [M in EngineMethod]: Make<M> } : Unfit;

export const makers: Makers = Object.fromEntries(
  methodNames.filter((name) => name !== "session.ping").map((name) => [name, makerOf(name)]),
) as Makers;

function makerOf(method: EngineMethod): unknown {
  const fields = Object.entries(methods[method].params.properties).map(([name, schema]) => {
    const given = `params.${name}`;
    if (!("default" in schema)) return `${name}: ${given}`;
    return `${name}: ${given} === undefined ? ${JSON.stringify(schema.default)} : ${given}`;
  });
  const all = ["requester", "id", "refuseAfter", `method: ${JSON.stringify(method)}`, ...fields];
  return new Function("requester", "id", "refuseAfter", "params", `return { ${all.join(", ")} };`);
}
