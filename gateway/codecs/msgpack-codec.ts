/**
 * Frames of `yifen.msgpack`: plain MessagePack maps, no records, no extensions, readable by any language.
 *
 * Decoding: one request after the other, each by the short way of `msgpack-place` or else checked byte by byte
 * (`msgpack-check`), unpacked by msgpackr and read by `protocol`. Nothing of a frame is executed before all of it
 * was read. Encoding is `msgpack-outbox`.
 */

import { Unpackr } from "msgpackr";
import { batchMax, frameBytesMax } from "../../engine/seams/limits.js";
import type { RequestId } from "../../engine/seams/requester.js";
import {
  type Asked,
  type Codec,
  type Frame,
  type Intake,
  isRequestId,
  type Malformed,
  readRequest,
  withoutId,
} from "../edge/protocol.js";
import { MsgpackCheck } from "./msgpack-check.js";
import { MsgpackOutbox } from "./msgpack-outbox.js";
import { PlaceReader } from "./msgpack-place.js";

const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: "number" });

export const msgpackCodec: Codec = {
  name: "yifen.msgpack",
  binary: true,
  decode: (bytes, intake) => decodeMsgpack(bytes, intake, true),
  openOutbox: () => new MsgpackOutbox(),
};

/**
 * A frame is copied here before it is read, and the reader is used again: a Buffer, a DataView and a reader made anew for each
 * frame cost more than the rest of the reading when every frame is one order.
 */
const inbox = Buffer.allocUnsafeSlow(frameBytesMax);
const place = new PlaceReader(inbox);

/** `short` false: without the short way, for the test that holds the two ways together. */
export function decodeMsgpack(message: Uint8Array, intake: Intake, short: boolean): Frame | Malformed {
  const end = message.length;
  if (end > inbox.length) return { malformed: "the frame is too long", id: undefined };
  inbox.set(message);
  const head = end > 0 ? inbox[0]! : 0xc1;
  let batched = true;
  let count = 1;
  let at = 1;
  if (head >= 0x90 && head < 0xa0) {
    count = head & 0x0f;
  } else if (head === 0xdc && end >= 3) {
    count = inbox.readUInt16BE(1);
    at = 3;
  } else if (head === 0xdd && end >= 5) {
    count = inbox.readUInt32BE(1);
    at = 5;
  } else {
    batched = false;
    at = 0;
  }
  if (count === 0) return { malformed: "an empty array", id: undefined };
  if (count > batchMax) return { malformed: `more than ${batchMax} requests`, id: undefined };

  const requests: Asked[] = [];
  place.begin(end, at);
  let general: GeneralReader | undefined;
  for (let i = 0; i < count; i++) {
    const asked = short ? place.read(intake.requester) : undefined;
    if (asked !== undefined) {
      requests.push(asked);
      continue;
    }
    general ??= new GeneralReader(inbox.subarray(0, end));
    const other = general.read(place.at, batched, intake);
    if ("malformed" in other) return other;
    place.at = general.at;
    requests.push(other);
  }
  if (place.at !== end) {
    return {
      malformed: "bytes behind the value",
      id: batched ? undefined : readableId(inbox.subarray(0, end)),
    };
  }
  return { batched, requests };
}

/** Any request, by way of the check of its bytes and msgpackr. */
class GeneralReader {
  readonly #bytes: Buffer;
  readonly #check: MsgpackCheck;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#check = new MsgpackCheck(bytes, 0);
  }

  /** Where the request that was read last ends. */
  get at(): number {
    return this.#check.at;
  }

  read(start: number, batched: boolean, intake: Intake): Asked | Malformed {
    this.#check.at = start;
    if (!this.#check.skip(batched ? 1 : 0)) {
      return { malformed: this.#check.reason, id: batched ? undefined : readableId(this.#bytes) };
    }
    const value: unknown = unpackr.unpack(this.#bytes, { start, end: this.#check.at });
    return readRequest(value, intake) ?? withoutId;
  }
}

/** The id of a single request whose first field it is, whatever follows. */
function readableId(bytes: Buffer): RequestId | undefined {
  const head = bytes[0]!;
  const start = head >= 0x80 && head < 0x90 ? 1 : head === 0xde ? 3 : head === 0xdf ? 5 : 0;
  if (start === 0 || bytes[start] !== 0xa2 || bytes[start + 1] !== 0x69 || bytes[start + 2] !== 0x64)
    return undefined;
  const check = new MsgpackCheck(bytes, start + 3);
  // Numbers and strings only: `skip` would walk into a container.
  const first = bytes[start + 3] ?? 0xc1;
  if ((first >= 0x80 && first < 0xa0) || (first >= 0xdc && first < 0xe0)) return undefined;
  if (!check.skip(1)) return undefined;
  const id: unknown = unpackr.unpack(bytes, { start: start + 3, end: check.at });
  return isRequestId(id) ? id : undefined;
}
