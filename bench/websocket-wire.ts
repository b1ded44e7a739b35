/**
 * The client's half of WebSocket (RFC 6455) over a bare TCP socket, for the load generator only.
 *
 * A general client costs more than the engine that it should load: an object per frame, a mask per byte, an event per
 * message. Here frames are built once and patched, the mask key is four zero bytes (legal, and it makes masking
 * a no-op), and what comes back is walked in place.
 *
 * WEBSOCKET-WIRE-1  All sockets of a process read into one inbox; a handler sees its bytes only during the call.
 * WEBSOCKET-WIRE-2  A frame cut by the end of a read is kept in the connection's `rest` and put in front of the next read, in the
 *                   inbox's headroom, so that a handler always sees a whole frame in one piece:
 *
 *         headroom                    | read area
 *         ..........[rest of before]  | [what was read now..........][next frame's fir
 *                   ^ walk from here                                 ^ kept as the new rest
 */

import { createHash, randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { MeasurementFailed } from "./measurement-failed.js";

const HEADROOM_BYTES = 4 * 1024 * 1024;
const READ_BYTES = 128 * 1024;
const HANDSHAKE_BYTES_MAX = 16 * 1024;
const ACCEPT_SALT = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

const BINARY = 0x2;
const CLOSE = 0x8;
const PING = 0x9;
const PONG = 0xa;

/** Where every socket of this process reads to (WEBSOCKET-WIRE-1). */
const inbox = Buffer.allocUnsafeSlow(HEADROOM_BYTES + READ_BYTES);
const readArea = inbox.subarray(HEADROOM_BYTES);

export interface WireHandler {
  /** A whole binary message is `bytes[start..end)`, valid during the call only. */
  message(bytes: Uint8Array, start: number, end: number): void;
  /** All that one read brought has been given to `message`. */
  readDone(bytesRead: number): void;
  /** The kernel took everything that was written. */
  drained(): void;
  /** The connection ended, for whatever reason; called once, not after `socket.destroy()` by the owner. */
  closed(reason: string): void;
}

export interface WireAddress {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly subprotocol: string;
}

/** Bytes of a client frame's header for a payload of this many bytes, the mask key included. */
export function frameHeaderBytes(payloadBytes: number): number {
  return (payloadBytes < 126 ? 2 : payloadBytes < 65_536 ? 4 : 10) + 4;
}

/** Writes the header of a binary client frame with the zero mask key; returns where the payload starts. */
export function writeFrameHeader(into: Buffer, at: number, payloadBytes: number): number {
  return writeHeader(into, at, BINARY, payloadBytes);
}

/** Connects and upgrades. Rejects with `MeasurementFailed` when the server does not agree. */
export function openWire(address: WireAddress, handler: WireHandler): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const key = randomBytes(16).toString("base64");
    let rest: Buffer = Buffer.alloc(0);
    let isOpen = false;

    const fail = (reason: string) => {
      if (isOpen) handler.closed(reason);
      else reject(new MeasurementFailed(`${address.host}:${address.port}${address.path}: ${reason}`));
      isOpen = false;
      socket.removeAllListeners("close");
      socket.destroy();
    };
    const onRead = (bytesRead: number): boolean => {
      rest.copy(inbox, HEADROOM_BYTES - rest.length);
      let at = HEADROOM_BYTES - rest.length;
      const end = HEADROOM_BYTES + bytesRead;
      try {
        if (!isOpen) {
          const afterHandshake = readHandshake(inbox.subarray(at, end), key, address.subprotocol);
          at += afterHandshake;
          isOpen = afterHandshake > 0;
          if (isOpen) resolve(socket);
        }
        if (isOpen) {
          at = walkFrames(inbox, at, end, handler, socket);
          handler.readDone(bytesRead);
        }
        if (end - at > HEADROOM_BYTES) throw new MeasurementFailed("a frame is larger than the inbox");
        rest = at === end ? rest.subarray(0, 0) : Buffer.from(inbox.subarray(at, end));
      } catch (error) {
        fail(error instanceof MeasurementFailed ? error.message : String(error));
      }
      return true;
    };

    const options = {
      host: address.host,
      port: address.port,
      noDelay: true,
      // So that every write is followed by "drain" once the kernel has all of it, and the bytes may be re-used.
      writableHighWaterMark: 1,
      onread: { buffer: readArea, callback: onRead },
    };
    const socket = connect(options, () => socket.write(upgradeRequest(address, key)));
    socket.on("drain", () => {
      if (isOpen) handler.drained();
    });
    socket.on("error", (error) => fail(error.message));
    socket.on("close", () => fail("the server closed the connection"));
  });
}

/** Closes politely; nothing is told to the handler. */
export function closeWire(socket: Socket): void {
  socket.removeAllListeners();
  // A server that resets the connection now changes nothing: every figure has been taken.
  socket.on("error", () => socket.destroy());
  const frame = Buffer.alloc(frameHeaderBytes(2) + 2);
  frame.writeUInt16BE(1000, writeHeader(frame, 0, CLOSE, 2));
  socket.end(frame);
  socket.destroySoon();
}

/** Walks the whole frames in `bytes[at..end)`; returns where the first incomplete one starts. */
export function walkFrames(
  bytes: Buffer,
  at: number,
  end: number,
  handler: Pick<WireHandler, "message">,
  socket: Pick<Socket, "write">,
): number {
  while (end - at >= 2) {
    const first = bytes[at]!;
    let length = bytes[at + 1]!;
    let start = at + 2;
    if (length === 126) {
      if (end - at < 4) return at;
      length = (bytes[at + 2]! << 8) | bytes[at + 3]!;
      start = at + 4;
    } else if (length === 127) {
      if (end - at < 10) return at;
      length = bytes.readUInt32BE(at + 2) * 2 ** 32 + bytes.readUInt32BE(at + 6);
      start = at + 10;
    } else if (length > 127) throw new MeasurementFailed("the server masked a frame");
    const next = start + length;
    if (next > end) return at;
    if (first === (0x80 | BINARY)) handler.message(bytes, start, next);
    else control(bytes, first, start, next, socket);
    at = next;
  }
  return at;
}

function control(bytes: Buffer, first: number, start: number, end: number, socket: Pick<Socket, "write">) {
  if (first === (0x80 | PONG)) return;
  if (first === (0x80 | PING)) {
    const header = frameHeaderBytes(end - start);
    const pong = Buffer.alloc(header + end - start);
    writeHeader(pong, 0, PONG, end - start);
    bytes.copy(pong, header, start, end);
    socket.write(pong);
  } else if (first === (0x80 | CLOSE)) {
    const code = end - start < 2 ? "without a code" : `with code ${bytes.readUInt16BE(start)}`;
    const reason = bytes.toString("utf8", Math.min(start + 2, end), end);
    throw new MeasurementFailed(`the server closed ${code}${reason && `: ${reason}`}`);
  } else throw new MeasurementFailed(`a frame that was not asked for, first byte 0x${first.toString(16)}`);
}

function writeHeader(into: Buffer, at: number, opcode: number, payloadBytes: number): number {
  into[at] = 0x80 | opcode;
  const mask = 0x80;
  if (payloadBytes < 126) into[at + 1] = mask | payloadBytes;
  else if (payloadBytes < 65_536) {
    into[at + 1] = mask | 126;
    into.writeUInt16BE(payloadBytes, at + 2);
  } else {
    into[at + 1] = mask | 127;
    into.writeBigUInt64BE(BigInt(payloadBytes), at + 2);
  }
  const payloadAt = at + frameHeaderBytes(payloadBytes);
  into.fill(0, payloadAt - 4, payloadAt);
  return payloadAt;
}

function upgradeRequest(address: WireAddress, key: string): string {
  return [
    `GET ${address.path} HTTP/1.1`,
    `Host: ${address.host}:${address.port}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${key}`,
    `Sec-WebSocket-Protocol: ${address.subprotocol}`,
    "\r\n",
  ].join("\r\n");
}

/** Bytes of the server's answer to the upgrade; 0 when it is not complete yet. */
function readHandshake(bytes: Buffer, key: string, subprotocol: string): number {
  const end = bytes.indexOf("\r\n\r\n");
  if (end === -1) {
    if (bytes.length > HANDSHAKE_BYTES_MAX) throw new MeasurementFailed("the upgrade's answer does not end");
    return 0;
  }
  const [statusLine, ...lines] = bytes.toString("latin1", 0, end).split("\r\n");
  if (!statusLine?.startsWith("HTTP/1.1 101")) throw new MeasurementFailed(`no upgrade: ${statusLine}`);
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    }),
  );
  const accept = createHash("sha1")
    .update(key + ACCEPT_SALT)
    .digest("base64");
  if (headers.get("sec-websocket-accept") !== accept) throw new MeasurementFailed("a wrong accept key");
  if (headers.get("sec-websocket-protocol") !== subprotocol) {
    throw new MeasurementFailed(`the server does not speak ${subprotocol}`);
  }
  return end + 4;
}
