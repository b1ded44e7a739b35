/**
 * Runs the examples of a document, in order, on one connection to an engine of their own whose clock stands still unless
 * the document says otherwise. So times and order numbers are the same every time; only hashes differ.
 */

import { once } from "node:events";
import { Packr, Unpackr } from "msgpackr";
import WebSocket from "ws";
import { defaultSettings } from "../../engine/seams/settings.js";
import { runDefinitions } from "../../gateway/host/call-runner.js";
import { type EngineHost, openEngineHost } from "../../gateway/host/engine-host.js";
import { engineMetrics } from "../../gateway/host/engine-metrics.js";
import { type Metric, renderMetrics } from "../../gateway/host/metrics.js";
import { defineSaga, Refused } from "../../gateway/host/transactions.js";
import { manualClock } from "../../gateway/manual-clock.js";
import { openSocketServer } from "../../gateway/socket-server.js";
import type { Exchange, Given } from "./document.js";

export type EncodingName = "yifen.json" | "yifen.msgpack";

export interface DocumentEngine {
  readonly port: number;
  readonly host: EngineHost;
  readonly metrics: readonly Metric[];
  pass(ms: number): void;
  stop(): Promise<void>;
}

const megabyte = 1024 * 1024;

/** 2026-10-01T08:00:00Z, where the examples begin. */
export const examplesBeginMs = 1_790_841_600_000;

/** Of the payment provider of docs/HTTP.md. */
export const documentSecret = "only-for-this-page-1234";

/** The transaction of docs/protocol/transactions.md. */
const gift = defineSaga<{ to: string }>({
  steps: (_input, account) => [
    { kind: "stock", name: "take", product: "tea", qty: 1 },
    { kind: "money", name: "pay", from: account, to: "revenue", amount: "12.50", currency: "CNY" },
    { kind: "call", name: "wrap" },
  ],
  calls: {
    wrap: {
      do({ input: { to } }) {
        if (to === "the moon") throw new Refused("no paper is good enough");
        return { paper: "red" };
      },
      undo() {},
    },
  },
});

/** In memory, or on a folder; a read side on a folder is a thread, and threads need compiled code. */
export async function openDocumentEngine(
  folder: string | undefined,
  readSide = true,
  signs = false,
): Promise<DocumentEngine> {
  const clock = manualClock(examplesBeginMs);
  const defects: unknown[] = [];
  const host = await openEngineHost({
    folder,
    shards: 1,
    settings: defaultSettings,
    segmentBytes: megabyte,
    snapshotBytes: 0,
    prove: "all",
    readSide,
    diskFreeBytes: 0,
    progress: () => {},
    definitions: runDefinitions({ transactions: { gift }, refunds: {} }, 10_000),
    failed: (error) => void defects.push(error),
    time: clock,
  });
  let metrics: readonly Metric[] = [];
  const server = await openSocketServer({
    host: "127.0.0.1",
    port: 0,
    engine: host,
    ...(signs ? { paymentSecrets: new Map([["alipay", [documentSecret]]]) } : {}),
    ready: () => !host.hasFailed(),
    metrics: () => renderMetrics(metrics, (defect) => defects.push(defect)),
    onDefect: (defect) => void defects.push(defect),
  });
  metrics = engineMetrics(host, server);
  return {
    port: server.port,
    host,
    metrics,
    pass(ms) {
      clock.advance(ms);
    },
    async stop() {
      await server.drain(1000);
      server.close();
      await host.stop();
      if (defects.length > 0) throw defects[0];
    },
  };
}

/** For each exchange the frames that came, answers and pushes, in order. */
export async function runExamples(
  engine: DocumentEngine,
  encoding: EncodingName,
  given: readonly Given[],
  exchanges: readonly Exchange[],
): Promise<unknown[][]> {
  const socket = new WebSocket(`ws://127.0.0.1:${engine.port}/v1/ws`, [encoding]);
  await once(socket, "open");
  const line = openLine(socket, encoding);
  const frames: unknown[][] = [];
  try {
    for (const [n, request] of given.entries()) {
      line.send({ id: `given-${n}`, ...request });
      await line.answered(1);
      for (const answer of line.take()) {
        if ((answer as { status?: unknown }).status !== 200)
          throw new Error(JSON.stringify({ request, answer }));
      }
    }
    for (const { passMs, request } of exchanges) {
      engine.pass(passMs);
      if (request !== undefined) {
        line.send(request);
        await line.answered(Array.isArray(request) ? request.length : 1);
      }
      // The shard gives what is due, and what a resumed subscription has missed, before it answers this.
      line.send(barrier);
      await line.answered(1);
      frames.push(line.take().filter((frame) => (frame as { id?: unknown }).id !== barrier.id));
    }
  } finally {
    socket.terminate();
  }
  return frames;
}

const barrier = { id: "barrier", method: "product.get", params: { product: "nothing-of-that-name" } };
const answerWithinMs = 10_000;

interface Line {
  send(request: unknown): void;
  /** Resolves when so many more requests are answered. */
  answered(count: number): Promise<void>;
  /** Everything that came since the last time. */
  take(): unknown[];
}

function openLine(socket: WebSocket, encoding: EncodingName): Line {
  const packr = new Packr({ useRecords: false });
  const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: "number" });
  const isJson = encoding === "yifen.json";
  let frames: unknown[] = [];
  let answers = 0;
  let wanted = 0;
  let wake = () => {};
  socket.on("message", (bytes: Buffer, binary: boolean) => {
    if (binary === isJson) throw new Error(`a ${binary ? "binary" : "text"} frame in ${encoding}`);
    const frame: unknown = isJson ? JSON.parse(bytes.toString()) : unpackr.unpack(bytes);
    frames.push(frame);
    if (Array.isArray(frame)) answers += frame.length;
    else if ("id" in (frame as object)) answers++;
    if (answers >= wanted) wake();
  });
  return {
    send: (request) =>
      socket.send(isJson ? JSON.stringify(request) : packr.pack(request), { binary: !isJson }),
    async answered(count) {
      wanted += count;
      if (answers >= wanted) return;
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error("no answer")), answerWithinMs);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    },
    take() {
      const taken = frames;
      frames = [];
      return taken;
    },
  };
}

/** Hashes hold microseconds, tokens a secret. How often the audit looked is the affair of its own tests. */
const variable: ReadonlySet<string> = new Set(["chainHash", "stateHash", "count", "token"]);

/** Without what differs from run to run. The documents show an engine on a disk; only a log on disk has a hash chain. */
export function normalised(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, each: unknown) => {
      if (variable.has(key)) return "differs";
      return isLogCheck(each) ? { ...each, ok: "differs", detail: "differs" } : each;
    }),
  );
}

function isLogCheck(value: unknown): value is object {
  return (
    typeof value === "object" && value !== null && "bad" in value && "name" in value && value.name === "log"
  );
}
