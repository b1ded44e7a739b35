/**
 * What an issued token says:
 *
 *   tk:<turn time in microseconds, base 36>:<number of the shard>:<proof>     60 characters at the most
 *
 * Whether it is true its proof says (`tokens`).
 */

const form = /^tk:(([0-9a-z]{1,12}):([0-9]{1,4})):([0-9a-f]{32})$/;

export interface TokenParts {
  /** Microseconds; names the token on its shard. */
  readonly issuedAt: number;
  readonly shard: number;
  readonly body: string;
  readonly proof: string;
}

/** Undefined: it has not the form of one. */
export function tokenParts(key: string): TokenParts | undefined {
  const [, body, time, shard, proof] = form.exec(key) ?? [];
  const issuedAt = Number.parseInt(time ?? "", 36);
  if (!Number.isSafeInteger(issuedAt)) return undefined;
  return { issuedAt, shard: Number(shard), body: body!, proof: proof! };
}

/** The same of a token that is to be. */
export function tokenBody(issuedAt: number, shard: number): string {
  return `${issuedAt.toString(36)}:${shard}`;
}
