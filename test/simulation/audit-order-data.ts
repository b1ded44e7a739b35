/** What a request said of its order stands in every answer that it was given, and what it did not say stands in none. */

import type { Answer } from "./operation.js";
import type { World } from "./world.js";

export function auditOrderData(world: World): void {
  const { audit, coverage } = world;
  for (const { kind, subject, key, settledBy, stored } of audit.model.slots.values()) {
    if (kind !== "order" || settledBy?.method !== "order.place") continue;
    const answer = JSON.parse(stored) as Answer & { result?: Record<string, unknown> };
    if (answer.code !== "ok") continue;
    const { ref, metadata } = settledBy.params;
    const said = JSON.stringify([ref, metadata]);
    // From the books it is a view, from the read side the object that a caller sees.
    const seen = (answer.result?.more ?? answer.result ?? {}) as Record<string, unknown>;
    const told = JSON.stringify([seen.ref, seen.metadata]);
    if (said !== told) audit.violation(`order.place ${key} of ${subject} said ${said}, and was told ${told}`);
    if (ref !== undefined) coverage.hit("order described");
  }
}
