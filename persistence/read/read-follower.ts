/**
 * Keeps a read model up with its logs in small steps, and holds questions back until it has come far enough to answer
 * them. Who calls `step`, and how often, is the caller's business: `read-side-worker` and `read-side` do.
 *
 * READ-FOLLOWER-1  A question is answered only after its shard is projected up to the position it was asked at: whoever was told
 *                  that something happened will find it here.
 * READ-FOLLOWER-2  A question waits `waitMs` at most, and then fails as `behind`.
 * READ-FOLLOWER-3  A file that cannot be right is thrown away and built again; any other failure is answered to those who
 *                  wait, and tried again later. Neither ever reaches the engine.
 */

import type Database from "better-sqlite3";
import { type ReadGroup, ReadModel } from "./read-model.js";
import {
  prepareAnswers,
  type ReadAnswers,
  ReadFailed,
  type ReadQueries,
  type ReadQueryKind,
} from "./read-queries.js";
import { closeReadDatabase, isStale, openReadDatabase, removeReadDatabase } from "./read-schema.js";

/** Where the groups of a shard come from: a `LogReader`, or a journal in memory. */
export interface ReadSource {
  readonly shard: number;
  /** The durable groups that end after `position`, in order; none when there are no more. */
  readAfter(position: number, maxBytes: number): readonly ReadGroup[];
}

/** Gets the result, or why there is none. */
export type ReadDone = (result: object | ReadFailed) => void;

interface Question {
  readonly shard: number;
  readonly position: number;
  readonly due: number;
  readonly answer: () => void;
  readonly fail: (error: ReadFailed) => void;
}

interface Open {
  readonly db: Database.Database;
  readonly model: ReadModel;
  readonly answers: ReadAnswers;
}

/** Bodies read at a time: about 200 orders, 5 ms. */
const readBytes = 32 * 1024;

/** A transaction is ended after this long although there is more to do, so that other programs see the rows. */
const commitEveryMs = 300;

const retryMsMin = 1_000;
const retryMsMax = 30_000;

export class Follower {
  readonly #file: string;
  readonly #sources: readonly ReadSource[];
  readonly #waitMs: number;
  #open: Open | undefined;
  #questions: Question[] = [];
  #uncommittedSince = 0;
  #retryMs = retryMsMin;
  #retryAt = 0;
  #failure: ReadFailed | undefined;

  /** `file` may be `:memory:`. Opens it at the first step. */
  constructor(file: string, sources: readonly ReadSource[], waitMs: number) {
    this.#file = file;
    this.#sources = sources;
    this.#waitMs = waitMs;
  }

  /** Questions that wait. */
  get waiting(): number {
    return this.#questions.length;
  }

  position(shard: number): number {
    return this.#open?.model.position(shard) ?? 0;
  }

  /** Answers now if it can, or in one of the next steps. */
  ask<K extends ReadQueryKind>(
    kind: K,
    params: ReadQueries[K],
    shard: number,
    position: number,
    done: ReadDone,
  ): void {
    if (this.#failure && !this.#open) {
      done(this.#failure);
      return;
    }
    const question: Question = {
      shard,
      position,
      due: performance.now() + this.#waitMs,
      answer: () => done(this.#answer(kind, params)),
      fail: done,
    };
    if (this.#open && this.position(shard) >= position) question.answer();
    else this.#questions.push(question);
  }

  /** Projects for about `budgetMs`, then answers what can be answered. True when there is more to project. */
  step(budgetMs: number): boolean {
    const more = this.#guarded(() => this.#project(performance.now() + budgetMs));
    this.#answerWaiting();
    return more;
  }

  close(): void {
    for (const question of this.#questions)
      question.fail(new ReadFailed("broken", "the read side is closed"));
    this.#questions = [];
    this.#guarded(() => {
      if (!this.#open) return false;
      this.#open.model.commit();
      closeReadDatabase(this.#open.db);
      this.#open = undefined;
      return false;
    });
  }

  #project(until: number): boolean {
    if (!this.#open) {
      if (performance.now() < this.#retryAt) return false;
      this.#open = this.#openFile();
    }
    const { db, model } = this.#open;
    let more = true;
    while (more && performance.now() < until) {
      more = false;
      for (const source of this.#sources) {
        const groups = source.readAfter(model.position(source.shard), readBytes);
        if (groups.length === 0) continue;
        more = true;
        if (!db.inTransaction) this.#uncommittedSince = performance.now();
        model.project(source.shard, groups);
      }
    }
    if (!more || performance.now() - this.#uncommittedSince >= commitEveryMs) model.commit();
    this.#retryMs = retryMsMin;
    this.#failure = undefined;
    return more;
  }

  #openFile(): Open {
    const db = openReadDatabase(this.#file);
    try {
      const model = new ReadModel(db);
      for (const source of this.#sources) {
        const position = model.position(source.shard);
        if (position > 0) model.verify(source.shard, source.readAfter(position - 1, 1)[0]);
      }
      return { db, model, answers: prepareAnswers(db) };
    } catch (error) {
      db.close();
      throw error;
    }
  }

  /** Runs `work`; after a failure the file is closed, so that the next attempt begins from what was committed. */
  #guarded(work: () => boolean): boolean {
    try {
      return work();
    } catch (error) {
      this.#open?.db.close();
      this.#open = undefined;
      const stale = isStale(error);
      if (stale && this.#file !== ":memory:") removeReadDatabase(this.#file);
      // A stale file is built again at once; what fails again right after that fails like anything else.
      if (stale && this.#failure === undefined) this.#retryAt = 0;
      else {
        this.#retryAt = performance.now() + this.#retryMs;
        this.#retryMs = Math.min(this.#retryMs * 2, retryMsMax);
      }
      this.#failure = new ReadFailed("broken", error instanceof Error ? error.message : String(error));
      return stale;
    }
  }

  #answerWaiting(): void {
    if (this.#questions.length === 0) return;
    const now = performance.now();
    this.#questions = this.#questions.filter((question) => {
      if (this.#open && this.position(question.shard) >= question.position) {
        question.answer();
      } else if (this.#failure && this.#retryAt > now) {
        question.fail(this.#failure);
      } else if (question.due <= now) {
        const behind = question.position - this.position(question.shard);
        const message = `the read side is ${behind} facts behind and did not catch up within ${this.#waitMs} ms`;
        question.fail(new ReadFailed("behind", message));
      } else {
        return true;
      }
      return false;
    });
  }

  #answer<K extends ReadQueryKind>(kind: K, params: ReadQueries[K]): object | ReadFailed {
    try {
      return (this.#open!.answers[kind] as (params: ReadQueries[K]) => object)(params);
    } catch (error) {
      if (error instanceof ReadFailed) return error;
      return new ReadFailed("broken", error instanceof Error ? error.message : String(error));
    }
  }
}
