/**
 * Whose issued tokens are, of those that this shard issued: an account's from its first use on.
 *
 * TOKEN-CLAIMS-1  A claim is kept while its token is good, and at most `tokenClaimsMax` are. A token that is no younger than one whose
 *                 claim was dropped for that is claimed by nobody any more.
 */

import type { FactOf } from "../../actors/facts.js";
import { tokenClaimsMax, tokenLifeMs } from "../seams/limits.js";

export class TokenClaims {
  /** Account by token, in the order of the claims. */
  readonly byToken = new Map<number, string>();
  /** Number of the youngest token whose claim was dropped before its time; 0 = none was. */
  forgottenTo = 0;

  /** `time`: of the claim, in microseconds. */
  claimed({ issuedAt, owner }: FactOf<"tokenClaimed">, time: number): void {
    if (this.byToken.has(issuedAt)) throw new Error(`token ${issuedAt} is claimed twice`);
    for (const [oldest] of this.byToken) {
      const isOver = oldest + tokenLifeMs * 1000 <= time;
      if (!isOver && this.byToken.size < tokenClaimsMax) break;
      this.byToken.delete(oldest);
      if (!isOver) this.forgottenTo = Math.max(this.forgottenTo, oldest);
    }
    this.byToken.set(issuedAt, owner);
  }
}
