/**
 * Sockets: WebSocket at /v1/ws, /livez, /readyz, /metrics, and everything else over HTTP, which `http-server` takes. No
 * other file knows uWebSockets.js.
 *
 * SOCKET-SERVER-1  No exception leaves a callback: uWebSockets.js aborts the process on one. It is reported to `onDefect`, the
 *                  request is answered 500 or the connection closed 1011, and every other connection goes on.
 * SOCKET-SERVER-2  A message's bytes are emptied when its callback returns: a frame is decoded or copied inside it.
 * SOCKET-SERVER-3  A socket is touched only between its open and its close callback.
 * SOCKET-SERVER-4  A browser page of another site cannot speak to an engine on the reader's own machine: an Origin that is not a
 *                  loopback one is refused, and so is a Host over HTTP. Programs send no Origin.
 * SOCKET-SERVER-5  Connections are bounded: over TCP in all, WebSockets in all and for each address. A TCP connection past the
 *                  bound is closed at once; for a WebSocket the oldest one that never said a word has to go.
 * SOCKET-SERVER-6  What waits for all peers together is bounded: past it the one with the most is cut off.
 */

import uWS from "uWebSockets.js";
import {
  addressConnectionsMax,
  connectionsMax,
  frameBytesMax,
  idleSeconds,
  sendBufferBytesMax,
  sendBuffersBytesMax,
  slowReaderGraceMs,
  tcpConnectionsMax,
} from "../engine/seams/limits.js";
import { jsonCodec } from "./codecs/json-codec.js";
import { msgpackCodec } from "./codecs/msgpack-codec.js";

import { FrameIntake } from "./edge/frame-intake.js";
import { isOwnHost, isOwnOrigin } from "./edge/loopback.js";

import type { PaymentSecrets } from "./edge/payment-signature.js";
import type { Codec } from "./edge/protocol.js";
import {
  closeCodes,
  type Engine,
  newSessionCounters,
  Session,
  type SessionCounters,
  type Transport,
} from "./edge/session.js";
import { metricsContentType } from "./host/metrics.js";
import { checkHost, checkPort, ListenFailed } from "./host/port.js";
import { type HttpCounters, HttpEdge, newHttpCounters } from "./http/http-exchange.js";
import { installHttp } from "./http/http-server.js";

export interface SocketServerOptions {
  /** A loopback address: there is no authentication yet. Anything else throws `UnsafeHost`. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly engine: Engine;
  /** Left out: no provider can notify us of a payment over HTTP. */
  readonly paymentSecrets?: PaymentSecrets;
  /** A provider has signed a notification without its name in it; called each time. */
  readonly onUnnamedSignature?: (provider: string) => void;
  /** Files that the process may have open for connections; left out: as many as it likes. */
  readonly filesForConnections?: number | undefined;
  /** Bytes that may wait for all clients; left out: `sendBuffersBytesMax`. */
  readonly sendBuffersBytes?: number;
  /** Whether requests can be served now: recovered, not failed. While draining the server says no by itself. */
  ready(): boolean;
  /** By how much engine time is ahead of the wall clock; left out: it is the same. */
  clockAheadMs?(): number;
  /** The text of a scrape. */
  metrics(): string;
  /** A programmer's error that was kept from ending the process. Must not throw. */
  onDefect(defect: unknown): void;
}

export interface SocketServer {
  readonly host: string;
  readonly port: number;
  readonly counters: SocketCounters;
  /**
   * Refuses new connections and, on open ones, new commands (`shutting_down`); resolves when every command taken
   * before has been answered, or after `graceMs`, with the number of those that were not. Then closes with 1001.
   */
  drain(graceMs: number): Promise<number>;
  /** Closes all sockets at once. */
  close(): void;
}

export interface SocketCounters extends SessionCounters, HttpCounters {
  /** Over TCP: WebSockets, HTTP, and those that have said nothing yet. */
  tcpConnections: number;
  tcpRefused: number;
  /** WebSockets that never said a word and had to go for others. */
  silentClosed: number;
  /** Connections closed because frames came faster than they were read. */
  floodsClosed: number;
  /** Bytes that wait for peers. */
  bufferedBytes: number;
  connections: number;
  connectionsOpened: number;
  upgradesRefused: number;
  bytesReceived: number;
  bytesSent: number;
}

interface Connection {
  readonly codec: Codec;
  readonly address: string;
  waitingBytes: number;
  /** It has not sent anything yet. */
  silent: boolean;
  /** Bytes that wait for it, as they were seen last. */
  buffered: number;
  /** It is closed when the peer has taken what waits for it, or after `slowReaderGraceMs`. */
  ending: { readonly code: number; readonly reason: string } | undefined;
  /** Undefined before open and after close. */
  socket: uWS.WebSocket<Connection> | undefined;
  session: Session | undefined;
}

const codecs: readonly Codec[] = [jsonCodec, msgpackCodec];
const drainPollMs = 5;

/** Less is nobody's concern. */
const clockAheadMsTold = 1000;

/** Listens; rejects with `UnsafeHost` or `ListenFailed`. */
export async function openSocketServer(options: SocketServerOptions): Promise<SocketServer> {
  const { host } = options;
  checkHost(host);
  await checkPort(host, options.port);
  const counters: SocketCounters = {
    ...newSessionCounters(),
    ...newHttpCounters(),
    tcpConnections: 0,
    tcpRefused: 0,
    silentClosed: 0,
    floodsClosed: 0,
    bufferedBytes: 0,
    connections: 0,
    connectionsOpened: 0,
    upgradesRefused: 0,
    bytesReceived: 0,
    bytesSent: 0,
  };
  const server = new Server(options, counters);
  const app = uWS.App();
  server.install(app);
  const listening = await listen(app, host, options.port);
  return {
    host,
    port: uWS.us_socket_local_port(listening as uWS.us_socket),
    counters,
    drain: (graceMs) => server.drain(graceMs),
    close: () => {
      server.refuseNew();
      app.close();
    },
  };
}

/** LIBUS_LISTEN_EXCLUSIVE_PORT; the enum of the package's types does not exist at run time. */
const exclusivePort = 1;

/** The form of `listen` that takes all three; its types leave it out. */
interface Listener {
  listen(
    host: string,
    port: number,
    options: number,
    done: (socket: uWS.us_listen_socket | false) => void,
  ): void;
}

/** Exclusively: by default a second engine could listen on the same port and take half of the connections. */
function listen(app: uWS.TemplatedApp, host: string, port: number): Promise<uWS.us_listen_socket> {
  return new Promise((resolve, reject) => {
    (app as unknown as Listener).listen(host, port, exclusivePort, (socket) => {
      if (socket === false) reject(new ListenFailed(host, port, undefined));
      else resolve(socket);
    });
  });
}

/** The binding has it, its types leave it out: +1 for each TCP connection that opens, -1 when it closes as HTTP. */
interface Filtered {
  filter(seen: (res: uWS.HttpResponse, count: number) => void): void;
}

class Server {
  readonly #options: SocketServerOptions;
  readonly #counters: SocketCounters;
  readonly #tcpMax: number;
  readonly #sendBuffersBytes: number;
  /** In the order in which they opened. */
  readonly #connections = new Set<Connection>();
  readonly #silent = new Set<Connection>();
  readonly #byAddress = new Map<string, number>();
  readonly #intake = new FrameIntake<Connection>({
    read: (connection, bytes, binary) => this.#read(connection, (session) => session.receive(bytes, binary)),
    resume: (connection) => this.#read(connection, (session) => session.resume()),
  });
  readonly #http: HttpEdge;
  #draining = false;

  constructor(options: SocketServerOptions, counters: SocketCounters) {
    this.#options = options;
    this.#counters = counters;
    this.#tcpMax = Math.min(tcpConnectionsMax, options.filesForConnections ?? tcpConnectionsMax);
    this.#sendBuffersBytes = options.sendBuffersBytes ?? sendBuffersBytesMax;
    const { engine, paymentSecrets = new Map(), onDefect, onUnnamedSignature } = options;
    const unnamed = onUnnamedSignature && { onUnnamedSignature };
    this.#http = new HttpEdge({ engine, counters, paymentSecrets, onDefect, ...unnamed });
  }

  refuseNew(): void {
    this.#draining = true;
    this.#http.draining = true;
  }

  install(app: uWS.TemplatedApp): void {
    (app as unknown as Filtered).filter((res, count) => this.#tcp(res, count));
    app.ws<Connection>("/v1/ws", {
      compression: uWS.DISABLED,
      maxPayloadLength: frameBytesMax,
      idleTimeout: idleSeconds,
      sendPingsAutomatically: true,
      // We look before each flush and close in good order; this is for one flush that is larger than all limits.
      maxBackpressure: 2 * sendBufferBytesMax,
      closeOnBackpressureLimit: 1,
      upgrade: (res, req, context) => this.#page(res, () => this.#upgrade(res, req, context)),
      open: (ws) => this.#socket(ws, () => this.#open(ws)),
      message: (ws, message, binary) =>
        this.#socket(ws, () => {
          const connection = ws.getUserData();
          this.#counters.bytesReceived += message.byteLength;
          if (connection.silent) {
            connection.silent = false;
            this.#silent.delete(connection);
          }
          if (this.#intake.receive(connection, new Uint8Array(message), binary)) return;
          this.#counters.floodsClosed++;
          connection.session?.end(closeCodes.flood, "sends faster than it is read");
        }),
      drain: (ws) => this.#socket(ws, () => this.#drained(ws.getUserData())),
      close: (ws) => this.#closed(ws.getUserData()),
    });
    const pages: readonly (readonly [path: string, page: () => Page])[] = [
      ["/livez", () => ["200 OK", "ok\n"]],
      ["/readyz", () => this.#readiness()],
      ["/metrics", () => ["200 OK", this.#options.metrics(), metricsContentType]],
    ];
    for (const [path, page] of pages) {
      const seen = (req: uWS.HttpRequest) => (isOwnHost(req.getHeader("host")) ? page() : foreignHost);
      app.get(path, (res, req) => this.#page(res, () => answer(res, ...seen(req))));
      app.head(path, (res, req) => this.#page(res, () => answerHead(res, ...seen(req))));
    }
    installHttp(app, this.#http, this.#counters, this.#options.onDefect);
  }

  #readiness(): Page {
    if (!this.#draining && this.#options.ready()) return ["200 OK", `ready\n${this.#clockLine()}`];
    return [unavailable, this.#draining ? "draining\n" : "not ready\n"];
  }

  /** A second line where engine time and the wall clock are apart: whoever looks whether it is well should know. */
  #clockLine(): string {
    const aheadMs = this.#options.clockAheadMs?.() ?? 0;
    return aheadMs < clockAheadMsTold ? "" : `engine time is ${aheadMs / 1000} s ahead of the wall clock\n`;
  }

  async drain(graceMs: number): Promise<number> {
    this.refuseNew();
    for (const { session } of this.#connections) {
      if (session !== undefined) session.draining = true;
    }
    const giveUpAt = performance.now() + graceMs;
    while (this.#counters.inFlight > 0 && performance.now() < giveUpAt) {
      await new Promise((resolve) => setTimeout(resolve, drainPollMs));
    }
    const unanswered = this.#counters.inFlight;
    for (const { session } of this.#connections) session?.end(closeCodes.goingAway, "shutting down");
    // Sessions end in a turn of their own; this one comes after theirs.
    await new Promise((resolve) => setImmediate(resolve));
    return unanswered;
  }

  #upgrade(res: uWS.HttpResponse, req: uWS.HttpRequest, context: uWS.us_socket_context_t): void {
    const asked = req.getHeader("sec-websocket-protocol");
    const names = asked.split(",").map((name) => name.trim());
    const codec = asked === "" ? jsonCodec : codecs.find(({ name }) => names.includes(name));
    const address = Buffer.from(res.getRemoteAddressAsText()).toString();
    const refusal =
      this.#draining || !this.#hasRoomFor(address)
        ? unavailable
        : !isOwnOrigin(req.getHeader("origin"))
          ? "403 Forbidden"
          : codec === undefined
            ? "400 Bad Request"
            : undefined;
    if (refusal !== undefined || codec === undefined) {
      this.#counters.upgradesRefused++;
      answer(res, refusal ?? "400 Bad Request", "not upgraded\n");
      return;
    }
    const connection: Connection = {
      ...{ codec, address, silent: true, buffered: 0, waitingBytes: 0 },
      ...{ ending: undefined, socket: undefined, session: undefined },
    };
    res.upgrade(
      connection,
      req.getHeader("sec-websocket-key"),
      asked === "" ? "" : codec.name,
      req.getHeader("sec-websocket-extensions"),
      context,
    );
  }

  /** True when there is more to read of the connection's frame. */
  #read({ socket, session }: Connection, read: (session: Session) => boolean): boolean {
    let more = false;
    if (socket !== undefined && session !== undefined) {
      this.#socket(socket, () => {
        more = read(session);
      });
    }
    return more;
  }

  #tcp(res: uWS.HttpResponse, count: number): void {
    this.#counters.tcpConnections += count;
    if (count < 0 || this.#counters.tcpConnections <= this.#tcpMax) return;
    this.#counters.tcpRefused++;
    this.#guard(() => res.close());
  }

  /** Makes room, if it must and can (SOCKET-SERVER-5). */
  #hasRoomFor(address: string): boolean {
    const isFull = this.#connections.size >= connectionsMax;
    const isFullFor = (this.#byAddress.get(address) ?? 0) >= addressConnectionsMax;
    if (!isFull && !isFullFor) return true;
    for (const connection of this.#silent) {
      if (isFullFor && connection.address !== address) continue;
      this.#counters.silentClosed++;
      connection.socket?.close();
      return true;
    }
    return false;
  }

  /** Looks at what waits for a peer, after it was sent something or has taken something. */
  #measure(connection: Connection): void {
    const { socket, buffered } = connection;
    if (socket === undefined) return;
    connection.buffered = socket.getBufferedAmount();
    this.#counters.bufferedBytes += connection.buffered - buffered;
    if (this.#counters.bufferedBytes > this.#sendBuffersBytes) this.#cutOffLargest();
  }

  /** SOCKET-SERVER-6. Not from within the engine's turn, nor while a socket is corked. */
  #cutOffLargest(): void {
    let largest: Connection | undefined;
    for (const connection of this.#connections) {
      if (connection.buffered > (largest?.buffered ?? 0)) largest = connection;
    }
    if (largest === undefined) return;
    const { session, socket } = largest;
    this.#counters.bufferedBytes -= largest.buffered;
    largest.buffered = 0;
    largest.ending = { code: closeCodes.slowReader, reason: "" };
    session?.tooSlow();
    setImmediate(() => {
      if (largest.socket === socket) this.#guard(() => socket?.close());
    });
  }

  #drained(connection: Connection): void {
    this.#measure(connection);
    const { ending, socket } = connection;
    if (ending !== undefined && connection.buffered === 0) socket?.end(ending.code, ending.reason);
  }

  #transportOf(connection: Connection): Transport {
    const counters = this.#counters;
    return {
      send: (frames) => {
        const { socket, codec } = connection;
        if (socket === undefined) return true;
        if (connection.buffered > sendBufferBytesMax) return false;
        let dropped = false;
        socket.cork(() => {
          for (const frame of frames) {
            counters.bytesSent += frame.length;
            // 2: uWebSockets.js was over its limit and did not keep the frame.
            if (!dropped) dropped = socket.send(frame, codec.binary) === 2;
          }
        });
        this.#measure(connection);
        return !dropped;
      },
      end: (code, reason) => {
        this.#guard(() => {
          const { socket, ending } = connection;
          if (socket === undefined || ending !== undefined) return;
          if (code !== closeCodes.slowReader || socket.getBufferedAmount() === 0) {
            socket.end(code, reason);
            return;
          }
          // The close frame would wait behind all the rest, and with a peer that never reads, for ever.
          connection.ending = { code, reason };
          setTimeout(() => {
            if (connection.socket === socket) this.#guard(() => socket.close());
          }, slowReaderGraceMs);
        });
      },
    };
  }

  #open(ws: uWS.WebSocket<Connection>): void {
    const connection = ws.getUserData();
    connection.socket = ws;
    const transport = this.#transportOf(connection);
    connection.session = new Session(
      connection.codec,
      transport,
      this.#options.engine,
      this.#counters,
      this.#options.onDefect,
      this.#options.paymentSecrets,
    );
    connection.session.draining = this.#draining;
    this.#connections.add(connection);
    this.#silent.add(connection);
    this.#byAddress.set(connection.address, (this.#byAddress.get(connection.address) ?? 0) + 1);
    this.#counters.connections++;
    this.#counters.connectionsOpened++;
  }

  #closed(connection: Connection): void {
    const { session } = connection;
    connection.socket = undefined;
    connection.session = undefined;
    if (!this.#connections.delete(connection)) return;
    this.#silent.delete(connection);
    this.#intake.drop(connection);
    const others = this.#byAddress.get(connection.address)! - 1;
    if (others > 0) this.#byAddress.set(connection.address, others);
    else this.#byAddress.delete(connection.address);
    this.#counters.bufferedBytes -= connection.buffered;
    connection.buffered = 0;
    // The filter says so of connections that are still HTTP.
    this.#counters.tcpConnections--;
    this.#counters.connections--;
    this.#guard(() => session?.gone());
  }

  #socket(ws: uWS.WebSocket<Connection>, callback: () => void): void {
    if (this.#guard(callback)) return;
    const { session } = ws.getUserData();
    if (session === undefined) this.#guard(() => ws.close());
    else session.end(closeCodes.internal, "internal");
  }

  #page(res: uWS.HttpResponse, callback: () => void): void {
    if (!this.#guard(callback)) this.#guard(() => answer(res, "500 Internal Server Error", "internal\n"));
  }

  /** False when the callback threw. */
  #guard(callback: () => void): boolean {
    try {
      callback();
      return true;
    } catch (defect) {
      this.#options.onDefect(defect);
      return false;
    }
  }
}

/** A page of another site whose name was made to lead here. */
const foreignHost: Page = ["403 Forbidden", "this host is not ours\n"];

const unavailable = "503 Service Unavailable";

type Page = readonly [status: string, body: string, contentType?: string];

function answer(res: uWS.HttpResponse, status: string, body: string, contentType = "text/plain"): void {
  res.writeStatus(status).writeHeader("content-type", contentType).end(body);
}

/** As `http-server` answers a HEAD: by our own header, or uWebSockets.js takes no other request from the connection. */
function answerHead(res: uWS.HttpResponse, status: string, body: string, contentType = "text/plain"): void {
  res.writeStatus(status).writeHeader("content-type", contentType);
  res.writeHeader("content-length", String(Buffer.byteLength(body))).endWithoutBody();
}
