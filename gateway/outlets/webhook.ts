/**
 * Events to a URL: one POST of JSON each, or arrays of them.
 *
 *   Content-Type: application/json
 *   Yifen-Event-Id: <shard>:<seq>          of the event, of an array's last one
 *   Yifen-Signature: t=<s since the epoch>,v1=<hex of HMAC-SHA256 over "<t>.<body>">
 *
 * WEBHOOK-1  2xx, and nothing else, means delivered. Redirects are not followed: the body was signed for this URL.
 * WEBHOOK-2  A response is read to its end so that the connection serves again, but never more of it than `bodyBytesMax`.
 */

import { createHmac } from "node:crypto";
import * as http from "node:http";
import * as https from "node:https";
import { type Outlet, type OutletEvent, type WebhookSetup, wantsType } from "./outlet.js";

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

function headersOf(events: readonly OutletEvent[], body: Buffer, secret: string | undefined) {
  const signature = secret && signatureOf(secret, Math.floor(Date.now() / 1000), body);
  return {
    "Content-Type": "application/json",
    "Content-Length": body.length,
    "User-Agent": "yifen",
    "Yifen-Event-Id": events.at(-1)!.id,
    ...(signature ? { "Yifen-Signature": signature } : {}),
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
