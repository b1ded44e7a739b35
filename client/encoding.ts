/** The two encodings of the protocol's frames. Both carry the same plain maps. */

import { Packr } from "msgpackr";
import type { Answer, Push, Request } from "./connection.js";

export type EncodingName = "msgpack" | "json";

export type Incoming = Answer | Push;

export interface Encoding {
  readonly subprotocol: string;
  encode(requests: readonly Request[]): string | Uint8Array;
  /** Throws on what is not a frame of this protocol. */
  decode(frame: unknown): readonly Incoming[];
}

// Plain maps (no msgpackr records), with the shortest header, so that any language's server can read them.
const packr = new Packr({ useRecords: false, variableMapSize: true });

const msgpack: Encoding = {
  subprotocol: "yifen.msgpack",
  encode: (requests) => packr.pack(requests.length === 1 ? requests[0] : requests),
  decode: (frame) => {
    if (!(frame instanceof ArrayBuffer)) throw new Error("a text frame on a yifen.msgpack connection");
    return incoming(packr.unpack(new Uint8Array(frame)));
  },
};

const json: Encoding = {
  subprotocol: "yifen.json",
  encode: (requests) => JSON.stringify(requests.length === 1 ? requests[0] : requests),
  decode: (frame) => {
    if (typeof frame !== "string") throw new Error("a binary frame on a yifen.json connection");
    return incoming(JSON.parse(frame));
  },
};

export const encodings: Readonly<Record<EncodingName, Encoding>> = { msgpack, json };

function incoming(decoded: unknown): readonly Incoming[] {
  const items: unknown[] = Array.isArray(decoded) ? decoded : [decoded];
  for (const item of items) {
    if (typeof item !== "object" || item === null || !("id" in item || "sub" in item)) {
      throw new Error("neither an answer nor a push");
    }
  }
  return items as Incoming[];
}

/**
 * A copy of params that nothing can change between two attempts, without the fields that are undefined.
 * Throws `TypeError` on values that the two encodings would not carry alike.
 */
export function copyParams<T>(value: T, path = "params"): T {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      if (Number.isFinite(value)) return value;
      throw new TypeError(`${path} is ${value}`);
    case "object":
      return (value === null ? null : copyObject(value, path)) as T;
    default:
      throw new TypeError(`${path} is a ${typeof value}`);
  }
}

function copyObject(value: object, path: string): object {
  if (Array.isArray(value)) return value.map((item, i) => copyParams(item, `${path}[${i}]`));
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null)
    throw new TypeError(`${path} is not a plain object`);
  const copy: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(value)) {
    if (field !== undefined) copy[name] = copyParams(field, `${path}.${name}`);
  }
  return copy;
}
