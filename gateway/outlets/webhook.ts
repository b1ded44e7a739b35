/**
 * Events to a URL: one POST of JSON each, or arrays of them.
 *
 *   Content-Type: application/json
 *   webhook-id: <shard>:<seq>              of the event, of an array's last one; the same when it is sent again
 *   webhook-timestamp: <s since the epoch>
 *   webhook-signature: v1,<base64 of HMAC-SHA256 over "<id>.<timestamp>.<body>">
 *
 * as Standard Webhooks has it (standardwebhooks.com), so that its libraries verify them. For one version more also what was sent before:
 *
 *   Yifen-Event-Id: <shard>:<seq>
 *   Yifen-Signature: t=<s since the epoch>,v1=<hex of HMAC-SHA256 over "<t>.<body>">
 *
 * WEBHOOK-1  2xx, and nothing else, means delivered. Redirects are not followed: the body was signed for this URL.
 * WEBHOOK-2  A response is read to its end so that the connection serves again, but never more of it than `bodyBytesMax`.
 */

import { createHmac } from "node:crypto";
import * as http from "node:http";
import * as https from "node:https";
import { type Outlet, type OutletEvent, type WebhookSetup, wantsType } from "./outlet.js";

const standardPrefix = "whsec_";

const timeoutMs = 10_000;
const bodyBytesMax = 64 * 1024;

/** Of a refusal's body, for whoever looks at the dead letters. */
const bodyCharsKept = 200;

export function webhookOutlet(setup: WebhookSetup): Outlet {
  const url = new URL(setup.url);
  const { Agent, request } = url.protocol === "https:" ? https : http;
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  return {
    name: setup.name,
    batchMax: setup.batchMax,
    attemptsMax: setup.attemptsMax,
    timeoutMs,
    wants: wantsType(setup.events),
    deliver(events, signal) {
      const body = Buffer.from(JSON.stringify(setup.batchMax === 1 ? events[0] : events));
      const headers = headersOf(events, body, setup.secret);
      const options: http.RequestOptions = { method: "POST", agent, headers, signal };
      return new Promise((delivered, failed) => {
        const sent = request(url, options, (response) => read(response, delivered, failed));
        sent.on("error", failed);
        sent.end(body);
      });
    },
    async close() {
      agent.destroy();
    },
  };
}

/** What the receiver recomputes: `t` is in the signed text, so that an old request cannot be sent as a new one. */
export function signatureOf(secret: string, seconds: number, body: Uint8Array): string {
  const v1 = createHmac("sha256", secret).update(`${seconds}.`).update(body).digest("hex");
  return `t=${seconds},v1=${v1}`;
}

/** `v1` of Standard Webhooks: the id and the time are signed too, so that no request can be sent as another, or later. */
export function standardSignature(secret: string, id: string, seconds: number, body: Uint8Array): string {
  const signed = createHmac("sha256", keyOf(secret)).update(`${id}.${seconds}.`).update(body);
  return `v1,${signed.digest("base64")}`;
}

/** A secret in the form of the standard is base64 behind its prefix; any other is its own bytes. */
function keyOf(secret: string): Buffer {
  const coded = secret.startsWith(standardPrefix);
  return coded ? Buffer.from(secret.slice(standardPrefix.length), "base64") : Buffer.from(secret);
}

function headersOf(events: readonly OutletEvent[], body: Buffer, secret: string | undefined) {
  const { id } = events.at(-1)!;
  const seconds = Math.floor(Date.now() / 1000);
  return {
    "Content-Type": "application/json",
    "Content-Length": body.length,
    "User-Agent": "yifen",
    "Yifen-Event-Id": id,
    "webhook-id": id,
    "webhook-timestamp": String(seconds),
    ...(secret
      ? {
          "webhook-signature": standardSignature(secret, id, seconds, body),
          "Yifen-Signature": signatureOf(secret, seconds, body),
        }
      : {}),
  };
}

function read(response: http.IncomingMessage, delivered: () => void, failed: (error: Error) => void): void {
  const status = response.statusCode ?? 0;
  let bytes = 0;
  let text = "";
  const end = () => {
    if (status >= 200 && status < 300) delivered();
    else failed(new Error(`status ${status}${text === "" ? "" : `: ${text.slice(0, bodyCharsKept)}`}`));
  };
  response.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (text.length < bodyCharsKept) text += chunk.toString("utf8", 0, bodyCharsKept);
    if (bytes <= bodyBytesMax) return;
    end();
    response.destroy();
  });
  response.once("end", end);
  // The status has come; what became of the rest of the body changes nothing.
  response.once("error", end);
}
