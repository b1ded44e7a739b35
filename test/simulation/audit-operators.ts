/**
 * Who placed, paid and canceled, by the logs alone: in the turn that keeps the answer of such a request, the operator whom the request
 * named, and nobody where it named nobody.
 */

import { readFacts } from "../../actors/fact-codec.js";
import { Facts } from "../../actors/facts.js";
import { keyedMethods } from "../../actors/keyed-methods.js";
import type { Host } from "./host.js";
import type { Answer } from "./operation.js";
import type { World } from "./world.js";

const methods: ReadonlySet<string> = new Set(["order.place", "order.pay", "order.cancel"]);
const numbers: ReadonlySet<number> = new Set([
  keyedMethods["order.place"],
  keyedMethods["order.pay"],
  keyedMethods["order.cancel"],
]);

export function auditOperators(world: World): void {
  const { audit, coverage, hosts } = world;
  const named = new Map(hosts.flatMap((host) => [...operatorsOf(host)]));
  for (const { kind, subject, key, settledBy, stored } of audit.model.slots.values()) {
    if (kind !== "order" || !settledBy || !methods.has(settledBy.method)) continue;
    if ((JSON.parse(stored) as Answer).code !== "ok") continue;
    const asked = (settledBy.params.operator as string | undefined) ?? "";
    const { name, crossed } = named.get(`${subject} ${key}`) ?? { name: "nothing", crossed: false };
    if (name !== asked) audit.violation(`${settledBy.method} ${key} of ${subject} by "${asked}": "${name}"`);
    if (asked !== "") coverage.hit("operator named");
    if (asked !== "" && crossed) coverage.hit("operator of an order across shards named");
  }
}

/** By account and key: who is named in the turn of the key; of a placement also whether it was begun in a turn before. */
function operatorsOf(host: Host): Map<string, { name: string; crossed: boolean }> {
  const accounts: string[] = [];
  const begun = new Set<number>();
  const found = new Map<string, { name: string; crossed: boolean }>();
  let turn = 0;
  let byOrder = new Map<number, string>();
  for (const { body, first } of host.disk.groups)
    readFacts(body, first, (fact, time) => {
      if (time !== turn) byOrder = new Map();
      turn = time;
      if (fact.type === Facts.accountNamed) accounts.push(fact.id);
      if (fact.type === Facts.orderBegun) begun.add(fact.order);
      if (fact.type === Facts.operatorNamed) byOrder.set(fact.order, fact.operator);
      if (fact.type !== Facts.keyKept || fact.code !== 0 || !numbers.has(fact.method)) return;
      const crossed = fact.method === keyedMethods["order.place"] && begun.has(fact.order);
      const name = byOrder.get(fact.order) ?? "";
      found.set(`${accounts[fact.subject]!} ${fact.key}`, { name, crossed });
    });
  return found;
}
