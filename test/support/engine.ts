/** An engine for tests: shards in one thread, in memory, driven by hand, on a clock that stands still unless told. */

import type { Refusal } from "../../actors/results.js";
import type { PlanSpec } from "../../actors/transactions/plan.js";
import type { OutCalls } from "../../engine/links/call-dispatcher.js";
import { askShards, isForShards } from "../../engine/loop/ask-shards.js";
import { shardOf } from "../../engine/loop/methods.js";
import { type DeferredQueries, Shard } from "../../engine/loop/shard.js";
import { startClock, type TimeSource } from "../../engine/seams/clock.js";
import type { Command } from "../../engine/seams/commands.js";
import type { Requester, RequestId } from "../../engine/seams/requester.js";
import { defaultSettings, type Settings } from "../../engine/seams/settings.js";
import { Books } from "../../engine/tables/books.js";
import { replay } from "../../engine/tables/replay.js";
import { stateHash } from "../../engine/tables/snapshot.js";
import { viewToResult } from "../../engine/turns/order-result.js";
import type { Journal } from "../../persistence/log/journal.js";
import { memoryJournal, memoryStore } from "../../persistence/log/memory-journal.js";
import { readArchive } from "./archive.js";

export interface Answer {
  readonly code: "ok" | Refusal["code"];
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  /** Of a refusal that came before its key was looked up. */
  readonly executed?: "unknown" | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into results of every shape
  readonly result?: any;
  readonly replayed: boolean;
}

export interface Push {
  readonly sub: number;
  readonly seq: number;
  readonly type: string;
  readonly time: number;
  readonly data: Record<string, unknown>;
}

export interface TestEngineOptions {
  readonly shards?: number;
  readonly settings?: Partial<Settings>;
  /** Journals to go on with, one per shard: what they hold is replayed. */
  readonly journals?: Journal[];
  readonly nowMs?: number;
  /** Where time comes from, in the place of a clock that stands still and never jumps. */
  readonly time?: TimeSource;
  readonly outside?: DeferredQueries;
  /** Functions that calls to the outside find. */
  readonly outCalls?: OutCalls;
  readonly plan?: (name: string, input: unknown, account: string) => PlanSpec | Refusal | undefined;
  /** What a bus does to the frames on their way: drop, double, re-order. Absent: nothing. */
  readonly carry?: (frames: CarriedFrame[]) => CarriedFrame[];
}

export interface CarriedFrame {
  readonly to: number;
  readonly frame: Uint8Array;
}

/** 2026-01-01T00:00:00Z */
export const epochMs = 1_767_225_600_000;

/** A clock that never jumped, and that no wall clock is behind. */
export const inStep = { aheadMicros: 0, jumpedMicros: 0 } as const;

export type TestEngine = ReturnType<typeof testEngine>;

export function testEngine(options: TestEngineOptions = {}) {
  const count = options.shards ?? 1;
  const settings = { ...defaultSettings, ...options.settings };
  const journals = options.journals ?? Array.from({ length: count }, () => memoryJournal());
  const recovered = journals.map((journal) => {
    const books = new Books();
    for (const group of journal.read(1)) replay(books, group);
    return books;
  });
  const running = options.time && startClock(options.time, Math.max(...recovered.map(({ time }) => time)));
  const clock = {
    micros: (options.nowMs ?? epochMs) * 1000,
    nowMicros: () => running?.nowMicros() ?? clock.micros,
    get aheadMicros() {
      return running?.aheadMicros ?? 0;
    },
    get jumpedMicros() {
      return running?.jumpedMicros ?? 0;
    },
  };
  const listeners: ((frame: Uint8Array) => void)[] = [];
  const frames: CarriedFrame[] = [];
  const carry = options.carry ?? ((sent: CarriedFrame[]) => sent);
  const bus = {
    send: (to: number, frame: Uint8Array) => {
      frames.push({ to, frame });
    },
    listen: (shard: number, receive: (frame: Uint8Array) => void) => {
      listeners[shard] = receive;
    },
  };
  const failures: unknown[] = [];
  const alerts: string[] = [];
  let wakes = 0;
  /** Questions for the read side, which answers once it has come as far as their turn. */
  const questions: { shard: number; position: number; answer: () => void }[] = [];
  const outside: DeferredQueries =
    options.outside ??
    ((command, shard, position, done) => {
      if (isForShards(command)) {
        askShards(command, count, (to, asked) => shards[to]!.submit(asked), done);
        return;
      }
      const answer = () => done(readArchive(journals[shard]!, command));
      questions.push({ shard, position, answer });
    });
  const answerQuestions = () => {
    for (const question of questions.splice(0)) {
      const { shard, position, answer } = question;
      if (journals[shard]!.durable < position) questions.push(question);
      else answer();
    }
  };
  const shards = journals.map((journal, shard) => {
    const books = recovered[shard]!;
    const failed = (error: unknown) => void failures.push(error);
    return new Shard({
      shard,
      shards: count,
      books,
      journal,
      clock,
      bus,
      settings,
      outside,
      ...(options.outCalls ? { outCalls: options.outCalls } : {}),
      ...(options.plan ? { plan: options.plan } : {}),
      alert: (text) => void alerts.push(text),
      wake: () => void wakes++,
      failed,
    });
  });
  const connections = shards.map(() => recordingRequester());
  let lastId = 0;

  /** Whether a group of the shard waits for its disk; until then the shard has nothing to do. */
  const isInFlight = (shard: number) => journals[shard]!.appended > journals[shard]!.durable;

  /** Runs steps and carries frames until nothing moves any more. */
  function settle(): void {
    for (let moved = true; moved; ) {
      moved = false;
      for (const shard of shards) while (shard.step()) moved = true;
      answerQuestions();
      for (const { to, frame } of carry(frames.splice(0))) {
        moved = true;
        listeners[to]!(frame);
      }
      // A shard may have asked another one that had its step already.
      if (shards.some((shard) => shard.waiting > 0 && !isInFlight(shard.shard))) moved = true;
      if (failures.length > 0) throw failures[0];
    }
  }

  /** Gives a command to its shard without running it; the number under which its answer will be found. */
  function submit(params: CommandParams): number {
    const id = ++lastId;
    const command = {
      requester: connections[0]!.requester,
      id,
      refuseAfter: 0,
      ...params,
    } as unknown as Command;
    const shard = shardOf(command, count);
    command.requester = connections[shard]!.requester;
    shards[shard]!.submit(command);
    return id;
  }

  function answerTo(id: number): Answer | undefined {
    for (const { answers } of connections) if (answers.has(id)) return answers.get(id);
    return undefined;
  }

  return {
    shards,
    journals,
    clock,
    settle,
    submit,
    answerTo,
    /** Frames that left their shard and were not carried yet. */
    frames,
    failures,
    alerts,
    wakes: () => wakes,
    requesters: connections.map((connection) => connection.requester),
    pushes: () => connections.flatMap((c) => c.pushes),
    /** Submits, settles, and gives the answer. Optional params may be left out. */
    ask(params: CommandParams): Answer {
      const id = submit(params);
      settle();
      const answer = answerTo(id);
      if (!answer) throw new Error(`no answer to ${JSON.stringify(params)}`);
      return answer;
    },
    /** Moves the clock, and lets everything happen that is due by then. */
    pass(ms: number): void {
      clock.micros += ms * 1000;
      settle();
    },
    hashes: () => shards.map((shard) => stateHash(shard.books)),
    /** The same logs, read by new shards: what a restart finds. The engine that it was is not used any more. */
    restart: () => testEngine({ ...options, journals, nowMs: Math.floor(clock.micros / 1000) }),
    /** What a restart on a copy of the logs finds; the engine goes on without it. */
    copy() {
      const copies = journals.map((journal) =>
        memoryJournal({ store: { ...memoryStore(), synced: [...journal.read(1)] } }),
      );
      return testEngine({ ...options, journals: copies, nowMs: Math.floor(clock.micros / 1000) });
    },
  };
}

export type CommandParams = { method: Command["method"]; [param: string]: unknown };

/** Keeps what it is given, and shows it only after a flush. */
function recordingRequester() {
  const answers = new Map<RequestId, Answer>();
  const pushes: Push[] = [];
  let held: (() => void)[] = [];
  const requester: Requester = {
    order(id, view, replayed) {
      const result = viewToResult(view);
      held.push(() => answers.set(id, { code: "ok", result, replayed }));
    },
    result(id, value, replayed) {
      const result = structuredClone(value);
      held.push(() => answers.set(id, { code: "ok", result, replayed }));
    },
    refused(id, { code, details, executed }, replayed) {
      held.push(() => answers.set(id, { code, details, executed, replayed }));
    },
    push(sub, seq, type, time, data) {
      held.push(() => pushes.push({ sub, seq, type, time, data: data as Record<string, unknown> }));
    },
    flush() {
      for (const show of held) show();
      held = [];
    },
  };
  return { requester, answers, pushes };
}
