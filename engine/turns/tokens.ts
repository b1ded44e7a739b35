/**
 * Issued tokens: keys that the engine vouches for. A token says when and where it was issued and proves that it was issued here, so
 * nothing of it is kept until it is used. Then it is a key like any other, and its shard remembers whose it is:
 *
 *   unused        nothing under the key, no claim      processing   its request is running
 *   used          the stored result                    expired      24 hours after it was issued, if it was not used
 *   somebody's    to every other account it is unknown
 *
 * No two turns of a shard have one time, also over a restart with a clock that was set back: the turn of a token leaves its
 * time in the log, in a fact that changes nothing. So no token is issued twice. The proof is an HMAC under a secret of the engine
 * that lies with its log. It is no permission: whoever may place an order may do so without a token.
 *
 * TOKENS-1  Whoever uses a token claims it in a record of the token's shard, before anything is done under it. Where the account
 *           lives elsewhere, the request goes on when that record is durable.
 */

import { createHmac, timingSafeEqual } from "node:crypto";
import type { Account } from "../../actors/account.js";
import { Facts } from "../../actors/facts.js";
import { type Refusal, refuse } from "../../actors/results.js";
import { tokenBody, tokenParts } from "../links/token-parts.js";
import type { ClaimToken, Command, IssueToken } from "../seams/commands.js";
import { tokenLifeMs } from "../seams/limits.js";
import { answerRefusal, answerResult } from "./answers.js";
import type { Turn } from "./turn.js";

const prefix = "tk:";

export function issueToken(turn: Turn, command: IssueToken): void {
  turn.record({ type: Facts.tokenIssued });
  const body = tokenBody(turn.nowMicros, turn.shard);
  answerResult(turn, command, {
    token: `${prefix}${body}:${proofOf(body, turn.settings.tokenSecret)}`,
    expiresAt: new Date(turn.nowMs + tokenLifeMs).toISOString(),
  });
}

/** Whether a key that nothing is stored under may be used: one that looks like a token must be one. */
export function refuseToken(turn: Turn, key: string): Refusal | undefined {
  if (!key.startsWith(prefix)) return undefined;
  const parts = tokenParts(key);
  if (!parts || !isProven(turn, parts)) return refuse("token_unknown");
  return parts.issuedAt + tokenLifeMs * 1000 <= turn.nowMicros ? refuse("token_expired") : undefined;
}

/** When a key that looks like a token says that it was issued (ms); undefined for any other key. */
export function tokenTime(key: string): number | undefined {
  const issuedAt = key.startsWith(prefix) ? tokenParts(key)?.issuedAt : undefined;
  return issuedAt === undefined ? undefined : Math.floor(issuedAt / 1000);
}

/**
 * For whom a request would claim its token. An account that is not open does not: it is refused for that, and a slip in its name
 * uses up no token. But its transaction may begin.
 */
export function claimantOf(command: Command, account: Account | undefined): string | undefined {
  if (account && account.currency >= 0) return account.id;
  return command.method === "transaction.begin" ? command.account : undefined;
}

/** Claims the token that a key is, if this shard issued it; or why it may not be used. `refuseToken` has nothing against it. */
export function claimHere(turn: Turn, claimant: string | undefined, key: string): Refusal | undefined {
  const parts = key.startsWith(prefix) ? tokenParts(key) : undefined;
  if (!parts || parts.shard !== turn.shard || claimant === undefined) return undefined;
  return claim(turn, parts.issuedAt, claimant);
}

/** Whether another shard must be asked first whose the token is; then it is asked, by `token.claim`. */
export function isClaimedElsewhere(turn: Turn, key: string): boolean {
  if (turn.shards === 1 || !key.startsWith(prefix)) return false;
  return tokenParts(key)?.shard !== turn.shard && refuseToken(turn, key) === undefined;
}

/** What the shard of a token says to an account of another. */
export function claimToken(turn: Turn, command: ClaimToken): void {
  const { token, account } = command;
  const refusal = refuseToken(turn, token) ?? claim(turn, tokenParts(token)!.issuedAt, account);
  if (refusal) answerRefusal(turn, command, refusal);
  else answerResult(turn, command, {});
}

function claim(turn: Turn, issuedAt: number, owner: string): Refusal | undefined {
  const { byToken, forgottenTo } = turn.books.tokens;
  const known = byToken.get(issuedAt);
  if (known === owner) return undefined;
  if (known !== undefined) return refuse("token_unknown");
  if (issuedAt <= forgottenTo) return refuse("token_expired");
  turn.record({ type: Facts.tokenClaimed, issuedAt, owner });
  return undefined;
}

function isProven(turn: Turn, { body, proof }: { body: string; proof: string }): boolean {
  const expected = Buffer.from(proofOf(body, turn.settings.tokenSecret));
  const given = Buffer.from(proof);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** 128 bits, in letters that a key may have. */
function proofOf(body: string, secret: string): string {
  return createHmac("sha256", secret).update(body).digest("hex").slice(0, 32);
}
