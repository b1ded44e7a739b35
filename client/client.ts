/**
 * Talks to a Yifen server, from Node and from a browser.
 *
 *   const yifen = await connect("http://127.0.0.1:8080");
 *   const order = await yifen.orders.place({ account: "a1", lines: [{ product: "p1", qty: 1 }], pay: "balance" });
 *
 * Imports nothing of the server.
 */

import { type EncodingName, encodings } from "./encoding.js";
import { checkOptions, milliseconds, oneOf, type Rule, sessionRules, text } from "./options.js";
import { openSession, type SessionOptions } from "./session.js";
import { platformSocket, socketUrl } from "./socket.js";
import { SocketConnection } from "./socket-connection.js";
import type { Yifen } from "./yifen.js";

export type { ClientCode, DetailsOf, EngineCode, ErrorCode, EventType } from "./codes.js";
export type { Executed } from "./error.js";
export { YifenError } from "./error.js";
export type { Feed, FeedEvent } from "./feed.js";
export type * from "./params.js";
export type * from "./results.js";
export type { SessionOptions } from "./session.js";
export type { Accounts, Human, Orders, Payments, Products, Transactions, Yifen } from "./yifen.js";

export interface ConnectOptions extends SessionOptions {
  /** MessagePack (default) is smaller and faster; JSON can be read in the browser's network tab. */
  readonly encoding?: EncodingName;
  /** Who is asking. Presented again after every lost connection. */
  readonly token?: string;
  readonly reconnect?: {
    /** Pause before the first attempt; doubled each time. Default 50. */
    readonly firstMs?: number;
    /** Longest pause. Default 5,000. */
    readonly capMs?: number;
  };
  /** Silence after which the server is asked whether it is there; after as much again it is given up. Default 3,000. */
  readonly heartbeatMs?: number;
}

const reconnectRules = { firstMs: milliseconds, capMs: milliseconds };

/** Total: an option without a rule does not compile. */
const connectRules: Readonly<Record<keyof ConnectOptions, Rule>> = {
  ...sessionRules,
  encoding: oneOf(...Object.keys(encodings)),
  token: text,
  reconnect: { accepts: (value) => typeof value === "object" && value !== null, wanted: "an object" },
  heartbeatMs: milliseconds,
};

const attemptMs = 5000;
const frameBytesMax = 256 * 1024;

/**
 * Connects to a server at `http://host:port` or `ws://host:port`, and stays connected until `close`.
 * Rejects with `YifenError` `connection_lost` if nobody answers in time, `unauthenticated` if the token is not
 * accepted; throws `TypeError` on what is not an address, and on an option that does not exist or cannot be used.
 */
export async function connect(url: string, options: ConnectOptions = {}): Promise<Yifen> {
  checkOptions(options, connectRules);
  if (options.reconnect !== undefined) checkOptions(options.reconnect, reconnectRules);
  const address = socketUrl(url);
  const connection = new SocketConnection(await platformSocket(), address, {
    encoding: encodings[options.encoding ?? "msgpack"],
    token: options.token,
    firstMs: options.reconnect?.firstMs ?? 50,
    capMs: options.reconnect?.capMs ?? 5000,
    openWithinMs: attemptMs,
    heartbeatMs: options.heartbeatMs ?? 3000,
    frameBytesMax,
  });
  return openSession(connection, options);
}
