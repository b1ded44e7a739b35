/** Somebody who asks for little, one request after the other, and what he waits for it. */

import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import WebSocket from "ws";
import type { AbuseName } from "./abuses.js";
import { compiled } from "./server-process.js";

export interface Waits {
  /** How many were answered. */
  readonly count: number;
  /** ms. */
  readonly median: number;
  readonly p99: number;
  readonly longest: number;
  /** How many were refused `overloaded`, and so not looked at. */
  readonly refused: number;
}

export interface Neighbour {
  ask(method: string, params: object): Promise<{ status: number; result?: unknown; error?: unknown }>;
  /** Places orders for `ms`; what is looked at is the time to each answer. */
  placeFor(ms: number): Promise<Waits>;
  stateFor(ms: number): Promise<Waits>;
  close(): void;
}

const thinkMs = 4;
/** So long without an answer ends a measurement: it is the longest wait. */
const giveUpMs = 90_000;

export async function openNeighbour(address: string): Promise<Neighbour> {
  const socket = new WebSocket(`${address.replace("http", "ws")}/v1/ws`);
  await new Promise((opened, failed) => {
    socket.once("open", opened);
    socket.once("error", failed);
  });
  let lastId = 0;
  const open = new Map<number, (answer: { status: number }) => void>();
  socket.on("message", (text: Buffer) => {
    const message = JSON.parse(text.toString()) as { id: number; status: number };
    for (const answer of Array.isArray(message) ? message : [message]) {
      open.get(answer.id)?.(answer);
      open.delete(answer.id);
    }
  });
  const ask = (method: string, params: object) =>
    new Promise<{ status: number }>((answered, failed) => {
      const tooLong = setTimeout(() => failed(new Error(`${method} has no answer`)), giveUpMs);
      open.set(++lastId, (answer) => {
        clearTimeout(tooLong);
        answered(answer);
      });
      socket.send(JSON.stringify({ id: lastId, method, params }));
    });
  const measure = async (ms: number, once: (n: number) => Promise<{ status: number }>) => {
    const waits: number[] = [];
    let refused = 0;
    for (const until = performance.now() + ms; performance.now() < until; ) {
      const asked = performance.now();
      const { status } = await once(waits.length + refused);
      if (status === 503) refused++;
      else if (status !== 200) throw new Error(`the neighbour was answered ${status}`);
      else waits.push(performance.now() - asked);
      await new Promise((later) => setTimeout(later, thinkMs));
    }
    waits.sort((a, b) => a - b);
    const at = (share: number) => Math.round((waits[Math.floor(waits.length * share)] ?? giveUpMs) * 10) / 10;
    return {
      count: waits.length,
      median: at(0.5),
      p99: at(0.99),
      longest: at(1 - 1 / waits.length),
      refused,
    };
  };
  const run = `${process.pid}-${Math.random().toString(36).slice(2)}`;
  let placed = 0;
  return {
    ask,
    placeFor: (ms) =>
      measure(ms, () =>
        ask("order.place", {
          key: `${run}-${++placed}`,
          account: "quiet",
          lines: [{ product: "tea", qty: 1 }],
        }),
      ),
    stateFor: (ms) => measure(ms, () => ask("account.statement", { account: "quiet" })),
    close: () => socket.terminate(),
  };
}

/** A shop with two customers; one of them has many orders, so that the log is long. */
export async function fillShop(neighbour: Neighbour, orders: number): Promise<void> {
  const { ask } = neighbour;
  await ask("product.create", {
    product: "tea",
    name: "Tea",
    price: "1",
    currency: "CNY",
    stock: 900_000_000,
  });
  for (const account of ["rude", "quiet"]) {
    await ask("account.open", { account, currency: "CNY" });
    for (let n = 0; n < 60; n++)
      await ask("account.deposit", { account, amount: "1", ref: `${account}-${n}` });
  }
  for (let n = 0; n < orders; n += 500) {
    const lines = [{ product: "tea", qty: 1 }];
    const some = Array.from({ length: Math.min(500, orders - n) }, (_, k) =>
      ask("order.place", { key: `fill-${n + k}`, account: "rude", lines }),
    );
    await Promise.all(some);
  }
  // The read side is asked before anything is measured.
  await ask("account.statement", { account: "quiet" });
}

export interface Abuser {
  stop(): Promise<void>;
}

/** Starts an abuse in a process of its own; resolves when it is under way. */
export async function startAbuse(name: AbuseName, address: string, size: number): Promise<Abuser> {
  const child: ChildProcess = spawn(
    process.execPath,
    [compiled("test/support/abuses.js"), name, address, String(size)],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const killed = () => child.kill("SIGKILL");
  process.once("exit", killed);
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  await Promise.race([new Promise((resolve) => child.stdout!.once("data", resolve)), ended]);
  return {
    async stop() {
      child.kill("SIGKILL");
      await ended;
      process.off("exit", killed);
    },
  };
}

/** MiB in memory. */
export function residentMiB(pid: number): number {
  const pages = Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]);
  return Math.round(pages / 1024);
}

/** Seconds of processor time used so far. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
