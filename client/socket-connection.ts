/**
 * A connection over a WebSocket that comes back.
 *
 *            attempt                  socket open, token accepted
 *   waiting ─────────▶ opening ───────────────────────────────▶ open
 *      ▲                  │ failed, or too slow                    │ closed, silent, or nonsense received
 *      └──────────────────┴────────────────────────────────────────┘
 *        pause: firstMs, doubled each time up to capMs, less a random half
 *
 * SOCKET-CONNECTION-1  One socket at a time. What an abandoned socket still reports is ignored.
 * SOCKET-CONNECTION-2  The pause starts over only after the server has answered something: a server that accepts and drops at once
 *                      is not hammered.
 * SOCKET-CONNECTION-3  A connection on which nothing arrives is asked (`session.ping`) and, if that is not answered, given up.
 *                      Browsers cannot send WebSocket pings, and a dead peer may go unnoticed by TCP for many minutes.
 * SOCKET-CONNECTION-4  Requests of the connection itself have string ids, those of its user have numbers.
 */

import type { Answer, Connection, Receiver, Request } from "./connection.js";
import type { Encoding } from "./encoding.js";
import { YifenError } from "./error.js";
import type { Socket, SocketClass } from "./socket.js";

export interface SocketSettings {
  readonly encoding: Encoding;
  /** Sent as `session.auth` each time the socket opens; undefined = no authentication. */
  readonly token: string | undefined;
  /** Pause before the first attempt to come back, before jitter. */
  readonly firstMs: number;
  /** Longest pause between two attempts. */
  readonly capMs: number;
  /** How long one attempt may take. */
  readonly openWithinMs: number;
  /** Silence after which the server is asked, and then again until it is given up. */
  readonly heartbeatMs: number;
  /** Requests whose frame would be larger are split over several frames. */
  readonly frameBytesMax: number;
}

type Timer = ReturnType<typeof setTimeout>;

// The application's own range of close codes; a browser lets a program send no others.
const closeNormal = 1000;
const closeBadFrame = 4400;
const closeGivenUp = 4408;

const closeWithinMs = 1000;

export class SocketConnection implements Connection {
  #receiver!: Receiver;
  #socket: Socket | undefined;
  #open = false;
  #over = false;
  #failures = 0;
  #heard = false;
  #asked = false;
  #timer: Timer | undefined;

  constructor(
    private readonly socketClass: SocketClass,
    private readonly url: string,
    private readonly settings: SocketSettings,
  ) {}

  start(receiver: Receiver): void {
    this.#receiver = receiver;
    this.#attempt();
  }

  send(requests: readonly Request[]): void {
    const frame = this.settings.encoding.encode(requests);
    // A string's length is a lower bound of its bytes; the bound is generous enough for that.
    if (frame.length > this.settings.frameBytesMax && requests.length > 1) {
      const half = requests.length >> 1;
      this.send(requests.slice(0, half));
      this.send(requests.slice(half));
      return;
    }
    try {
      this.#socket?.send(frame);
    } catch (error) {
      this.#down(`could not send: ${String(error)}`, closeGivenUp);
    }
  }

  close(): Promise<void> {
    this.#over = true;
    clearTimeout(this.#timer);
    const socket = this.#socket;
    if (!socket) return Promise.resolve();
    this.#socket = undefined;
    return new Promise((resolve) => {
      // A server that does not answer the closing handshake is not waited for.
      const timer = setTimeout(() => {
        socket.terminate?.();
        resolve();
      }, closeWithinMs);
      socket.onclose = () => {
        clearTimeout(timer);
        resolve();
      };
      socket.close(closeNormal);
    });
  }

  #attempt(): void {
    const socket = new this.socketClass(this.url, [this.settings.encoding.subprotocol]);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    this.#heard = false;
    this.#timer = setTimeout(
      () => this.#down(`not open within ${this.settings.openWithinMs} ms`, closeGivenUp),
      this.settings.openWithinMs,
    );
    const current = () => this.#socket === socket && !this.#over;
    socket.onopen = () => {
      if (current()) this.#greet();
    };
    socket.onmessage = (event) => {
      if (current()) this.#received(event.data);
    };
    // Not every platform lets a close follow when a connection could not be made. A browser names no reason.
    socket.onerror = (event) => {
      const reason = (event as { message?: string }).message || "the socket failed";
      if (current()) this.#down(reason, closeGivenUp);
    };
    socket.onclose = (event) => {
      if (current()) this.#down(`closed with ${event.code} ${event.reason}`.trimEnd());
    };
  }

  #greet(): void {
    if (this.settings.token === undefined) this.#opened();
    else this.send([{ id: "auth", method: "session.auth", params: { token: this.settings.token } }]);
  }

  #opened(): void {
    clearTimeout(this.#timer);
    this.#open = true;
    this.#asked = false;
    this.#heard = false;
    this.#beatLater();
    this.#receiver.opened();
  }

  #received(frame: unknown): void {
    this.#heard = true;
    this.#failures = 0;
    let items: ReturnType<Encoding["decode"]>;
    try {
      items = this.settings.encoding.decode(frame);
    } catch (error) {
      this.#down(`received nonsense: ${String(error)}`, closeBadFrame);
      return;
    }
    for (const item of items) {
      if (!("id" in item)) this.#receiver.pushed(item);
      else if (typeof item.id === "number") this.#receiver.answered(item);
      else if (item.id === "auth") this.#authenticated(item);
    }
  }

  #authenticated(answer: Answer): void {
    if (this.#open) return;
    if (!answer.error) {
      this.#opened();
    } else if (answer.error.retryable) {
      this.#down(`${answer.error.code}: ${answer.error.message}`, closeGivenUp);
    } else {
      this.#over = true;
      clearTimeout(this.#timer);
      this.#socket?.close(closeNormal);
      this.#receiver.ended(new YifenError({ ...answer.error, status: answer.status }));
    }
  }

  #beatLater(): void {
    const due = performance.now() + this.settings.heartbeatMs;
    this.#timer = setTimeout(() => this.#beat(performance.now() - due), this.settings.heartbeatMs);
  }

  #beat(lateMs: number): void {
    // When this program itself was stuck, what the server sent meanwhile has not been read yet.
    const stuck = lateMs > this.settings.heartbeatMs / 2;
    if (this.#heard || stuck) {
      this.#asked = false;
    } else if (this.#asked) {
      this.#down(`silent for ${2 * this.settings.heartbeatMs} ms`, closeGivenUp);
      return;
    } else {
      this.#asked = true;
      this.send([{ id: "ping", method: "session.ping", params: {} }]);
    }
    this.#heard = false;
    if (this.#open) this.#beatLater();
  }

  #down(reason: string, code?: number): void {
    const socket = this.#socket;
    if (!socket || this.#over) return;
    clearTimeout(this.#timer);
    this.#socket = undefined;
    this.#open = false;
    if (code === closeGivenUp && socket.terminate) socket.terminate();
    else if (code !== undefined) socket.close(code);
    const { firstMs, capMs } = this.settings;
    const pause = Math.min(capMs, firstMs * 2 ** Math.min(this.#failures++, 30)) * (0.5 + Math.random() / 2);
    this.#timer = setTimeout(() => this.#attempt(), pause);
    this.#receiver.lost(reason);
  }
}
