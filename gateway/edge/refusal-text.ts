/** What a refusal says to people: what is wrong with this request, where that is known, else what its code means. */

import { type Refusal, resultOf } from "../../actors/results.js";

export function messageOf({ code, details }: Refusal): string {
  return reasonOf(details) ?? resultOf(code).meaning;
}

/** What is wrong with this request, and where. */
export function reasonOf(details: Refusal["details"]): string | undefined {
  if (typeof details?.reason !== "string") return undefined;
  return typeof details.path === "string" ? `${details.path}: ${details.reason}` : details.reason;
}
