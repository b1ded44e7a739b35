import { expect, test } from "vitest";
import { methods as shardRows } from "../../../engine/loop/methods.js";
import type { HostMethod } from "../../../engine/seams/commands.js";
import { makers } from "../../../gateway/edge/command-makers.js";
import { type EngineMethod, methodNames, methods, type Role } from "../../../gateway/edge/methods.js";

const requester = { order() {}, result() {}, refused() {}, push() {}, flush() {} };
const engineMethods = methodNames.filter((name): name is EngineMethod => name !== "session.ping");

function made(method: EngineMethod, params: object): object {
  const make = makers[method] as (...given: unknown[]) => object;
  return make(requester, 7, 9, params);
}

const hostMethods: readonly string[] = ["order.quote", "order.byRef", "token.claim"] satisfies HostMethod[];

test("every method of the shards can be asked for, but those that are the host's own", () => {
  const asked = Object.keys(shardRows).filter((name) => !hostMethods.includes(name));
  expect([...engineMethods].sort()).toEqual(asked.sort());
});

test("the host's own methods are nobody's to ask for", () => {
  for (const method of hostMethods) expect(methodNames).not.toContain(method);
});

test.each(engineMethods)(
  "%s: a param that was left out has its field, with its default or undefined",
  (method) => {
    const command = made(method, {});
    const params = Object.entries(methods[method].params.properties);
    expect(Object.keys(command)).toEqual([
      "requester",
      "id",
      "refuseAfter",
      "method",
      ...params.map(([name]) => name),
    ]);
    for (const [name, schema] of params) {
      expect(command, name).toHaveProperty(name, "default" in schema ? schema.default : undefined);
    }
  },
);

test.each(engineMethods)("%s: a param that was given is the same value in the command", (method) => {
  const names = Object.keys(methods[method].params.properties);
  const given = Object.fromEntries(names.map((name) => [name, { of: name }]));
  const command = made(method, given);
  expect(command).toMatchObject({ id: 7, refuseAfter: 9, method });
  for (const name of names) expect((command as Record<string, unknown>)[name]).toBe(given[name]);
});

test.each([false, 0, ""])("a param that was given as %o does not become its default", (value) => {
  expect(made("transaction.begin", { wait: value })).toMatchObject({ wait: value });
  expect(made("order.place", { pay: value })).toMatchObject({ pay: value });
});

test("who may ask for what is said for every method, and what only operators may do is no buyer's", () => {
  const may = (role: Role) =>
    methodNames.filter((name) => (methods[name].roles as readonly Role[]).includes(role));
  for (const name of methodNames) expect(methods[name].roles, name).toContain("operator");
  const operators = [
    "product.create",
    "product.restock",
    "product.reprice",
    "account.open",
    "account.deposit",
  ];
  const more = [
    "account.withdraw",
    "payment.notify",
    "human.list",
    "human.get",
    "human.resolve",
    "audit.run",
  ];
  for (const name of [...operators, ...more]) expect(may("buyer"), name).not.toContain(name);
  expect(may("buyer")).toContain("order.place");
});

test("an auditor changes nothing", () => {
  const reads = methodNames.filter((name) => (methods[name].roles as readonly Role[]).includes("auditor"));
  const changing = reads.filter((name) => name !== "session.ping" && shardRows[name].key !== undefined);
  expect(changing).toEqual([]);
});
