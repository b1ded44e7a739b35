/**
 * The signature of a payment provider's notification:
 *
 *   Yifen-Signature: t=1790841600,v1=5257a869e7...
 *
 * `t` is when it was signed, seconds since the epoch; `v1` the HMAC-SHA-256, in hex, of t, a dot and the body as it was
 * sent, under the secret that we share with the provider. Several `v1` may stand there while secrets are changed, and we
 * may know several secrets of one provider: one match is enough.
 *
 * A notification that somebody caught and sends again within the five minutes does nothing: the payment's identity is
 * (provider, paymentId), so it is answered with the outcome that is stored. The time only keeps a caught one from being
 * of use after its secret was changed because it leaked.
 */

import { createHmac, timingSafeEqual } from "node:crypto";
import { signatureAgeSecondsMax } from "../../engine/seams/limits.js";
import { idPattern } from "./id-pattern.js";

/** Secrets by provider. */
export type PaymentSecrets = ReadonlyMap<string, readonly string[]>;

/** "alipay=SECRET,wechat=SECRET"; a provider that stands there twice has two. Undefined when it is not that. */
export function readPaymentSecrets(text: string): PaymentSecrets | undefined {
  const secrets = new Map<string, string[]>();
  for (const pair of text === "" ? [] : text.split(",")) {
    const [, provider, secret] = isPair.exec(pair) ?? [];
    if (secret === undefined) return undefined;
    secrets.set(provider!, [...(secrets.get(provider!) ?? []), secret]);
  }
  return secrets;
}

/** Shorter ones can be guessed. */
const isPair = new RegExp(`^(${idPattern})=([!-+--~]{16,256})$`);

/** Why a notification is not to be believed; undefined when it is. */
export function signatureProblem(
  signature: string,
  body: Uint8Array,
  secrets: readonly string[] | undefined,
  nowSeconds: number,
): string | undefined {
  if (secrets === undefined) return "no secret is configured for this provider";
  const { time, digests } = readSignature(signature);
  if (time === undefined || digests.length === 0) return "Yifen-Signature must be t=SECONDS,v1=HEX";
  if (Math.abs(nowSeconds - Number(time)) > signatureAgeSecondsMax) {
    return `signed more than ${signatureAgeSecondsMax} s ago, or ahead of time`;
  }
  const isSigned = secrets.some((secret) => {
    const expected = digestOf(secret, time, body);
    return digests.some((digest) => timingSafeEqual(digest, expected));
  });
  return isSigned ? undefined : "the signature is not of this body";
}

/** What a provider sends with a body. */
export function signatureOf(secret: string, seconds: number, body: Uint8Array): string {
  return `t=${seconds},v1=${digestOf(secret, String(seconds), body).toString("hex")}`;
}

function digestOf(secret: string, time: string, body: Uint8Array): Buffer {
  return createHmac("sha256", secret).update(`${time}.`).update(body).digest();
}

/** Fields of other versions are left for those who know them. */
function readSignature(signature: string): { time: string | undefined; digests: Buffer[] } {
  let time: string | undefined;
  const digests: Buffer[] = [];
  for (const field of signature.split(",")) {
    const [, name, value] = /^\s*(t|v1)=([0-9a-fA-F]{1,64})\s*$/.exec(field) ?? [];
    if (name === "t" && /^[0-9]{1,12}$/.test(value!)) {
      if (time !== undefined) return { time: undefined, digests: [] };
      time = value;
    }
    if (name === "v1" && value!.length === 64) digests.push(Buffer.from(value!, "hex"));
  }
  return { time, digests };
}
