/** Both encodings for tests, each with an independent encoder and decoder (JSON itself, msgpackr). */

import { Packr, Unpackr } from "msgpackr";
import { jsonCodec } from "../../../gateway/codecs/json-codec.js";
import { msgpackCodec } from "../../../gateway/codecs/msgpack-codec.js";
import type { Codec } from "../../../gateway/edge/protocol.js";

const packr = new Packr({ useRecords: false });
/** Maps in their shortest form, as most languages write them; msgpackr alone writes map16. */
const shortPackr = new Packr({ useRecords: false, variableMapSize: true });
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: "number" });

export interface Encoding {
  readonly codec: Codec;
  encode(value: unknown): Buffer;
  decode(frame: string | Uint8Array): unknown;
}

export const json: Encoding = {
  codec: jsonCodec,
  encode: (value) => Buffer.from(JSON.stringify(value)),
  decode: (frame) => JSON.parse(frame.toString()),
};

export const msgpack: Encoding = {
  codec: msgpackCodec,
  encode: (value) => Buffer.from(packr.pack(value)),
  decode: (frame) => unpackr.unpack(frame as Uint8Array),
};

export const msgpackShort: Encoding = { ...msgpack, encode: (value) => Buffer.from(shortPackr.pack(value)) };

export const encodings = [
  ["yifen.json", json],
  ["yifen.msgpack", msgpack],
] as const;
