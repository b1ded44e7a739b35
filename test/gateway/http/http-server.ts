/** A server before an echo engine or a real one, and ways to ask it over HTTP. */

import { connect, type Socket } from "node:net";
import { defaultSettings } from "../../../engine/seams/settings.js";
import type { PaymentSecrets } from "../../../gateway/edge/payment-signature.js";
import type { Engine } from "../../../gateway/edge/session.js";
import { runDefinitions } from "../../../gateway/host/call-runner.js";
import { type EngineHost, openEngineHost } from "../../../gateway/host/engine-host.js";
import type { Definitions } from "../../../gateway/host/transactions.js";
import { openSocketServer, type SocketServer } from "../../../gateway/socket-server.js";

export interface HttpServer {
  readonly server: SocketServer;
  readonly defects: unknown[];
  url(path: string): string;
  /** JSON in, JSON out. */
  ask(verb: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answered>;
  stop(): Promise<void>;
}

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: whatever came, for a test to compare.
  readonly body: any;
}

export async function serve(engine: Engine, paymentSecrets?: PaymentSecrets): Promise<HttpServer> {
  const defects: unknown[] = [];
  const server = await openSocketServer({
    host: "127.0.0.1",
    port: 0,
    engine,
    ...(paymentSecrets === undefined ? {} : { paymentSecrets }),
    ready: () => true,
    metrics: () => "yifen_up 1\n",
    onDefect: (defect) => void defects.push(defect),
  });
  const url = (path: string) => `http://127.0.0.1:${server.port}${path}`;
  return {
    server,
    defects,
    url,
    async ask(verb, path, body, headers = {}) {
      const response = await fetch(url(path), {
        method: verb,
        headers: body === undefined ? headers : { "content-type": "application/json", ...headers },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      return {
        status: response.status,
        headers: response.headers,
        body: text === "" ? undefined : JSON.parse(text),
      };
    },
    async stop() {
      server.close();
    },
  };
}

/** A real engine in memory. */
export async function serveEngine(
  shards = 1,
  definitions: Definitions = { transactions: {}, refunds: {} },
  paymentSecrets?: PaymentSecrets,
): Promise<HttpServer & { readonly host: EngineHost }> {
  const failures: unknown[] = [];
  const host = await openEngineHost({
    folder: undefined,
    shards,
    settings: defaultSettings,
    segmentBytes: 1024 * 1024,
    snapshotBytes: 0,
    prove: "all",
    readSide: true,
    diskFreeBytes: 0,
    progress: () => {},
    definitions: runDefinitions(definitions, 1000),
    failed: (error) => void failures.push(error),
  });
  const http = await serve(host, paymentSecrets);
  return {
    ...http,
    host,
    async stop() {
      await http.stop();
      await host.stop();
      if (failures.length > 0) throw failures[0];
    },
  };
}

/** A connection byte by byte. */
export class RawConnection {
  readonly socket: Socket;
  received = "";
  closed = false;
  writes = 0;

  constructor(port: number) {
    this.socket = connect(port, "127.0.0.1");
    this.socket.on("data", (bytes: Buffer) => {
      this.received += bytes.toString("latin1");
    });
    this.socket.on("error", () => undefined);
    this.socket.on("close", () => {
      this.closed = true;
    });
  }

  write(bytes: string | Uint8Array): void {
    this.writes++;
    if (!this.socket.destroyed) this.socket.write(bytes);
  }

  /** Resolves when so many answers came, or the connection is closed. */
  async answers(count: number): Promise<string[]> {
    await until(() => this.closed || this.heads().length >= count);
    return this.heads();
  }

  /** Status lines of what came. */
  heads(): string[] {
    return [...this.received.matchAll(/HTTP\/1\.1 ([0-9]{3}[^\r]*)\r\n/g)].map((match) => match[1]!);
  }

  end(): void {
    this.socket.destroy();
  }

  /** With an RST, so that no port is left waiting for a minute. */
  reset(): void {
    if (!this.socket.destroyed) this.socket.resetAndDestroy();
  }
}

/** A request with a body, as bytes. */
export function postOf(path: string, body: string, headers: readonly string[] = []): string {
  const length = Buffer.byteLength(body);
  return (
    `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n` +
    `Content-Length: ${length}\r\n${headers.map((header) => `${header}\r\n`).join("")}\r\n${body}`
  );
}

export async function until(done: () => boolean): Promise<void> {
  const giveUpAt = Date.now() + 10_000;
  while (!done()) {
    if (Date.now() > giveUpAt) throw new Error("it did not happen within 10 s");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
