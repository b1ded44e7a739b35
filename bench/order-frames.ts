/**
 * Client frames of `order.place` requests, built once per connection and patched in place.
 *
 * Every field that changes has a fixed width, so that all frames have one length and a request differs from the
 * next only in 26 bytes: its id, the last digits of its key, its account's and its product's digits.
 *
 *   frame    | header, zero mask | [array of n] | request | request | ...
 *   request  {id: uint32, method: "order.place", params: {key, account, lines: [{product, qty: 1}], pay: "balance"}}
 */

import { MeasurementFailed } from "./measurement-failed.js";
import { frameHeaderBytes, writeFrameHeader } from "./websocket-wire.js";

const ID_DIGITS = 7;
const KEY_DIGITS = 8;
/** A MessagePack string of at most 31 bytes has a header of one byte. */
const KEY_BYTES_MAX = 31;

export interface OrderFrames {
  /** `frames` identical frames, one after the other. */
  readonly bytes: Buffer;
  readonly frames: number;
  readonly frameBytes: number;
  readonly perFrame: number;
  readonly requestBytes: number;
  /** Of the first request, from the start of its frame. */
  readonly firstRequestAt: number;
  readonly idAt: number;
  readonly keyDigitsAt: number;
  readonly accountDigitsAt: number;
  readonly productDigitsAt: number;
}

/** `p0000001`: the id of a product by its number, 0..9,999,999. */
export function productId(number: number): string {
  return `p${String(number).padStart(ID_DIGITS, "0")}`;
}

/** `a0000001`: the id of an account by its number, 0..9,999,999. */
export function accountId(number: number): string {
  return `a${String(number).padStart(ID_DIGITS, "0")}`;
}

/** `keyPrefix` tells this connection's keys from all others': at most 23 characters. */
export function buildOrderFrames(keyPrefix: string, frames: number, perFrame: number): OrderFrames {
  if (keyPrefix.length + KEY_DIGITS > KEY_BYTES_MAX) {
    throw new MeasurementFailed(`the key prefix ${keyPrefix} is longer than ${KEY_BYTES_MAX - KEY_DIGITS}`);
  }
  const idHead = Buffer.concat([map(3), text("id")]);
  const toKey = Buffer.concat([text("method"), text("order.place"), text("params"), map(4), text("key")]);
  const key = text(keyPrefix + "0".repeat(KEY_DIGITS));
  const account = Buffer.concat([text("account"), text(accountId(0))]);
  const product = Buffer.concat([text("lines"), array(1), map(2), text("product"), text(productId(0))]);
  const tail = Buffer.concat([text("qty"), Buffer.from([1]), text("pay"), text("balance")]);
  const request = Buffer.concat([idHead, uint32(0), toKey, key, account, product, tail]);

  const idAt = idHead.length + 1;
  const keyEnd = idAt + 4 + toKey.length + key.length;
  const accountEnd = keyEnd + account.length;
  const productEnd = accountEnd + product.length;

  const head = perFrame === 1 ? Buffer.alloc(0) : array(perFrame);
  const payloadBytes = head.length + perFrame * request.length;
  const headerBytes = frameHeaderBytes(payloadBytes);
  const frame = Buffer.alloc(headerBytes + payloadBytes);
  writeFrameHeader(frame, 0, payloadBytes);
  head.copy(frame, headerBytes);
  const firstRequestAt = headerBytes + head.length;
  for (let at = firstRequestAt; at < frame.length; at += request.length) request.copy(frame, at);

  return {
    bytes: Buffer.concat(Array.from({ length: frames }, () => frame)),
    frames,
    frameBytes: frame.length,
    perFrame,
    requestBytes: request.length,
    firstRequestAt,
    idAt,
    keyDigitsAt: keyEnd - KEY_DIGITS,
    accountDigitsAt: accountEnd - ID_DIGITS,
    productDigitsAt: productEnd - ID_DIGITS,
  };
}

/** Makes the request that starts at `at` this one. `id` (uint32) is also the end of its key, in hex. */
export function patchRequest(
  layout: OrderFrames,
  at: number,
  id: number,
  account: number,
  product: number,
): void {
  const bytes = layout.bytes;
  const idAt = at + layout.idAt;
  bytes[idAt] = id >>> 24;
  bytes[idAt + 1] = id >>> 16;
  bytes[idAt + 2] = id >>> 8;
  bytes[idAt + 3] = id;
  const keyAt = at + layout.keyDigitsAt;
  for (let digit = 0; digit < KEY_DIGITS; digit++) {
    const nibble = (id >>> (28 - 4 * digit)) & 15;
    bytes[keyAt + digit] = nibble < 10 ? 48 + nibble : 87 + nibble;
  }
  patchDigits(bytes, at + layout.accountDigitsAt, account);
  patchDigits(bytes, at + layout.productDigitsAt, product);
}

function patchDigits(bytes: Uint8Array, at: number, number: number): void {
  let rest = number | 0;
  for (let digit = at + ID_DIGITS - 1; digit >= at; digit--) {
    const tenth = (rest / 10) | 0;
    bytes[digit] = 48 + rest - tenth * 10;
    rest = tenth;
  }
}

function map(fields: number): Buffer {
  return Buffer.from([0x80 | fields]);
}

function array(length: number): Buffer {
  return length < 16 ? Buffer.from([0x90 | length]) : Buffer.from([0xdc, length >>> 8, length & 0xff]);
}

function text(value: string): Buffer {
  return Buffer.concat([Buffer.from([0xa0 | value.length]), Buffer.from(value, "latin1")]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.from([0xce, 0, 0, 0, 0]);
  bytes.writeUInt32BE(value, 1);
  return bytes;
}
