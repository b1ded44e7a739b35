/**
 * Issued tokens: keys that the engine vouches for. A token says when it was issued and proves that it was issued here, so
 * nothing of it is kept until it is used, and then it is a key like any other:
 *
 *   unused        nothing under the key            processing   its request is running
 *   used          the stored result                expired      24 hours after it was issued, if it was not used
 *
 *   tk:<turn time in microseconds, base 36>:<number of the shard>:<proof>     60 characters at the most
 *
 * No two turns of a shard have one time, also over a restart with a clock that was set back: the turn of a token leaves its
 * time in the log, in a fact that changes nothing. So no token is issued twice. The proof is an HMAC under a secret of the engine
 * that lies with its log. It is no permission: whoever may place an order may do so without a token.
 */

import { createHmac, timingSafeEqual } from "node:crypto";
import { Facts } from "../../actors/facts.js";
import { type Refusal, refuse } from "../../actors/results.js";
import type { IssueToken } from "../seams/commands.js";
import { tokenLifeMs } from "../seams/limits.js";
import { answerResult } from "./answers.js";
import type { Turn } from "./turn.js";

const prefix = "tk:";

export function issueToken(turn: Turn, command: IssueToken): void {
  turn.record({ type: Facts.tokenIssued });
  const body = `${turn.nowMicros.toString(36)}:${turn.shard}`;
  answerResult(turn, command, {
    token: `${prefix}${body}:${proofOf(body, turn.settings.tokenSecret)}`,
    expiresAt: new Date(turn.nowMs + tokenLifeMs).toISOString(),
  });
}

/** Whether a key that nothing is stored under may be used: one that looks like a token must be one. */
export function refuseToken(turn: Turn, key: string): Refusal | undefined {
  if (!key.startsWith(prefix)) return undefined;
  const end = key.lastIndexOf(":");
  const body = key.slice(prefix.length, end);
  const expected = Buffer.from(proofOf(body, turn.settings.tokenSecret));
  const given = Buffer.from(key.slice(end + 1));
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return refuse("token_unknown");
  return tokenTime(key)! + tokenLifeMs <= turn.nowMs ? refuse("token_expired") : undefined;
}

/** When a key that looks like a token says that it was issued (ms); undefined for any other key. */
export function tokenTime(key: string): number | undefined {
  if (!key.startsWith(prefix)) return undefined;
  const micros = Number.parseInt(key.slice(prefix.length), 36);
  return Number.isSafeInteger(micros) ? Math.floor(micros / 1000) : undefined;
}

/** 128 bits, in letters that a key may have. */
function proofOf(body: string, secret: string): string {
  return createHmac("sha256", secret).update(body).digest("hex").slice(0, 32);
}
