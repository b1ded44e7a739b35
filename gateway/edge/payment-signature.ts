/**
 * The signature of a payment provider's notification:
 *
 *   Yifen-Signature: t=1790841600,v2=5257a869e7...
 *
 * `t` is when it was signed, seconds since the epoch; `v2` the HMAC-SHA-256, in hex, of t, a dot, the provider's name, a dot and the
 * body as it was sent, under the secret that we share with the provider. The name is in it so that what one provider has signed
 * cannot be told under another one. Several `v2` may stand there while secrets are changed, and we may know several secrets of
 * one provider: one match is enough.
 *
 * A notification that somebody caught and sends again within the five minutes does nothing: the payment's identity is
 * (provider, paymentId), so it is answered with the outcome that is stored. The time only keeps a caught one from being
 * of use after its secret was changed because it leaked.
 *
 * `v1`, without the name, is what was signed until now. It is taken for one more version, and told; of providers that share a secret
 * only from the one that was configured first, so that no message counts under two names.
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

/** Why a notification is not to be believed, or how it was signed. */
export type SignatureCheck = { readonly problem: string } | { readonly form: "v1" | "v2" };

export function checkSignature(
  signature: string,
  body: Uint8Array,
  provider: string,
  secrets: PaymentSecrets,
  nowSeconds: number,
): SignatureCheck {
  const ours = secrets.get(provider);
  if (ours === undefined) return { problem: "no secret is configured for this provider" };
  const { time, digests } = readSignature(signature);
  if (time === undefined || digests.length === 0)
    return { problem: "Yifen-Signature must be t=SECONDS,v2=HEX" };
  if (Math.abs(nowSeconds - Number(time)) > signatureAgeSecondsMax) {
    return { problem: `signed more than ${signatureAgeSecondsMax} s ago, or ahead of time` };
  }
  const isSigned = (form: "v1" | "v2", keys: readonly string[]) => {
    const given = digests.filter((digest) => digest.form === form);
    return keys.some((secret) => {
      const expected = digestOf(secret, form === "v2" ? `${time}.${provider}` : time, body);
      return given.some(({ bytes }) => timingSafeEqual(bytes, expected));
    });
  };
  if (isSigned("v2", ours)) return { form: "v2" };
  const unnamed = ours.filter((secret) => firstWith(secrets, secret) === provider);
  return isSigned("v1", unnamed)
    ? { form: "v1" }
    : { problem: "the signature is not of this provider and body" };
}

function firstWith(secrets: PaymentSecrets, secret: string): string | undefined {
  for (const [provider, known] of secrets) if (known.includes(secret)) return provider;
  return undefined;
}

/** What a provider sends with a body. */
export function signatureOf(secret: string, seconds: number, provider: string, body: Uint8Array): string {
  return `t=${seconds},v2=${digestOf(secret, `${seconds}.${provider}`, body).toString("hex")}`;
}

function digestOf(secret: string, prefix: string, body: Uint8Array): Buffer {
  return createHmac("sha256", secret).update(`${prefix}.`).update(body).digest();
}

interface Digest {
  readonly form: "v1" | "v2";
  readonly bytes: Buffer;
}

/** Fields of other versions are left for those who know them. */
function readSignature(signature: string): { time: string | undefined; digests: Digest[] } {
  let time: string | undefined;
  const digests: Digest[] = [];
  for (const field of signature.split(",")) {
    const [, name, value] = /^\s*(t|v1|v2)=([0-9a-fA-F]{1,64})\s*$/.exec(field) ?? [];
    if (name === "t" && /^[0-9]{1,12}$/.test(value!)) {
      if (time !== undefined) return { time: undefined, digests: [] };
      time = value;
    }
    if ((name === "v1" || name === "v2") && value!.length === 64)
      digests.push({ form: name, bytes: Buffer.from(value!, "hex") });
  }
  return { time, digests };
}
