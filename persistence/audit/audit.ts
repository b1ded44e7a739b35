/**
 * The audit: proves from the logs alone that nothing is missing and nothing came from nowhere, or names the first fact
 * that cannot be.
 *
 *   groups ──▶ chain ──▶ facts ──▶ a second set of books (`audit-shard`) ──┐
 *   groups ──▶ ...                 what shards said to each other (`audit-cross-shard`) ──▶ certificate
 *
 * It shares no code with the engine: a rule that is wrong there must not be wrong here for the same reason.
 */

import { createHash } from "node:crypto";
import { type FactVisitor, readFacts } from "../../actors/fact-codec.js";
import { genesisHash, hashOf, hex, type LoggedGroup, sameHash } from "../log/hash-chain.js";
import { type Group, LogDamaged } from "../log/journal.js";
import { CrossShard } from "./audit-cross-shard.js";
import { type AuditFigures, figuresOf } from "./audit-figures.js";
import { type CheckResult, Findings } from "./audit-findings.js";
import { ShardAudit } from "./audit-shard.js";

export interface AuditOptions {
  /** How many the engine has; without it nobody knows which shard a name belongs to. */
  readonly count?: number;
  readonly shards: readonly AuditedLog[];
  /** For the distance between engine time and the wall clock; absent: not looked at. */
  readonly clock?: AuditClock;
  /** Called about every 100,000 facts. */
  readonly progress?: (progress: AuditProgress) => void;
}

export interface AuditClock {
  readonly wallMs: number;
  /** Of the engine that runs; absent: that of the last turn in the logs. */
  readonly engineMs?: number;
}

export interface AuditedLog {
  readonly shard: number;
  /** From position 1 on, in order; `readLog(folder, 1)` or `journal.read(1)`. */
  readonly groups: Iterable<Group | LoggedGroup>;
  /**
   * Audit up to the end of the group that holds this position. For shards that run and talk to each other: take the
   * positions of all of them at one moment, or messages will seem to have been heard and never sent.
   */
  readonly upTo?: number;
  /** State hash of the engine's books after replaying the log up to `position`. */
  readonly replayHash?: (position: number) => string;
  /** State hash of the running engine's books; undefined when they stand at another position by now. */
  readonly liveHash?: (position: number) => string | undefined;
}

export interface AuditProgress {
  readonly shard: number;
  readonly position: number;
  /** Of all shards so far. */
  readonly facts: number;
}

export interface Certificate {
  readonly ok: boolean;
  /** First position that was audited, and how many facts; of one shard that is its last position. */
  readonly from: number;
  readonly to: number;
  /** Of the only shard; of several the sha256 of their hashes one after the other; null when one was not replayed. */
  readonly stateHash: string | null;
  readonly shards: readonly {
    readonly shard: number;
    /** First and last position that were audited; both 0 for an empty log. */
    readonly from: number;
    readonly to: number;
    /** Stands for the whole log up to `to`; null for a log without a chain. */
    readonly chainHash: string | null;
    /** By replay; null when nobody replayed it. */
    readonly stateHash: string | null;
  }[];
  readonly checks: readonly CheckResult[];
  readonly figures: AuditFigures;
  /** Engine time (of the last turn, where no engine runs; null for an empty log), and by how much it is ahead of the wall clock. */
  readonly clock: { readonly time: string | null; readonly aheadMs: number | null };
  readonly firstBad?: { readonly shard: number; readonly position: number; readonly what: string };
  /** What an operator should do, in order; empty when all is well. */
  readonly repairPlan: readonly string[];
}

const factsPerProgress = 100_000;

/** Audits whole logs at one go. */
export function auditLogs(options: AuditOptions): Certificate {
  const steps = auditSteps(options);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** The same, a group at a time, for a thread that has something else to do in between. */
export function* auditSteps(options: AuditOptions): Generator<AuditProgress, Certificate> {
  const findings = new Findings();
  const crossing = new CrossShard(options.shards.map(({ shard }) => shard));
  if (options.count === undefined) {
    findings.notChecked("homes", "nothing was said of how many shards the engine has");
  }
  const audits: Audited[] = [];
  let facts = 0;
  let told = 0;
  for (const log of options.shards) {
    const walk = new LogWalk(log, new ShardAudit(log.shard, findings, crossing, options.count), findings);
    for (const group of walk.groups()) {
      facts += walk.take(group);
      const progress = { shard: log.shard, position: walk.position, facts };
      if (facts - told >= factsPerProgress) {
        told = facts;
        options.progress?.(progress);
      }
      yield progress;
    }
    walk.books.finish();
    audits.push({ walk, stateHash: compareState(log, walk.position, findings) });
  }
  crossing.finish(findings, new Map(audits.map(({ walk }) => [walk.books.shard, walk.position])));
  const books = audits.map(({ walk }) => walk.books);
  const difference = checkSums(books, findings);
  const figures = figuresOf(books, facts, difference);
  return certify(audits, findings, figures, options.clock);
}

interface Audited {
  readonly walk: LogWalk;
  readonly stateHash: string | null;
}

/** One log from its first group on: positions, chain, and the facts to the books. */
class LogWalk {
  position = 0;
  first = 0;
  #hash: Uint8Array | undefined = genesisHash;
  /** What follows a break in the log proves nothing and would only bury the first fault under others. */
  #broken = false;

  constructor(
    private readonly log: AuditedLog,
    readonly books: ShardAudit,
    private readonly findings: Findings,
  ) {}

  get chainHash(): string | null {
    return this.#hash && this.position > 0 ? hex(this.#hash) : null;
  }

  /** The groups, up to the end or to where the reader finds the log damaged. */
  *groups(): Generator<Group | LoggedGroup, void> {
    const { groups, upTo } = this.log;
    try {
      for (const group of groups) {
        if (group.first > (upTo ?? Number.MAX_SAFE_INTEGER) || this.#broken) break;
        yield group;
      }
      if (upTo !== undefined && this.position < upTo && !this.#broken) {
        this.#bad(`the log ends with ${this.position}, and it reached ${upTo}`);
      }
    } catch (error) {
      if (!(error instanceof LogDamaged)) throw error;
      this.#bad(error.message);
    }
    if (!this.#hash)
      this.findings.notChecked("log", "a log in memory has no hash chain; its positions are contiguous");
  }

  /** The facts in the group. */
  take(group: Group | LoggedGroup): number {
    const { findings } = this;
    findings.looked("log", 1);
    if (group.first !== this.position + 1) this.#bad(`position ${group.first} follows ${this.position}`);
    this.#follow(group);
    if (this.#broken) return 0;
    if (this.first === 0) this.first = group.first;
    let end = group.first;
    try {
      end = readFacts(group.body, group.first, this.#visit);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      this.#bad(`the group from ${group.first} on cannot be read: ${error.message}`);
      return 0;
    }
    if (end !== group.last + 1)
      this.#bad(`the group says ${group.first}..${group.last}, its facts end with ${end - 1}`);
    this.position = group.last;
    return end - group.first;
  }

  readonly #visit: FactVisitor = (fact, time, position) => void this.books.take(fact, time, position);

  #follow(group: Group | LoggedGroup): void {
    if (!("hash" in group)) {
      this.#hash = undefined;
      return;
    }
    const { prev, hash, first } = group;
    if (this.#hash && !sameHash(prev, this.#hash))
      this.#bad(`the group from ${first} on is not chained to what is before`);
    if (!sameHash(hash, hashOf(prev, group))) {
      this.#bad(`the group from ${first} on does not match its hash`);
    }
    this.#hash = hash;
  }

  #bad(what: string): void {
    this.#broken = true;
    this.findings.bad("log", this.log.shard, this.position + 1, what);
  }
}

/** What `readFacts` throws on bytes that are not facts. */
function isUnreadable(error: unknown): error is Error {
  if (error instanceof RangeError) return true;
  return error instanceof TypeError && "code" in error && error.code === "ERR_ENCODING_INVALID_ENCODED_DATA";
}

function compareState(log: AuditedLog, position: number, findings: Findings): string | null {
  if (!log.replayHash) {
    findings.notChecked("state-hash", "nothing was given to replay the log with");
    return null;
  }
  const replayed = log.replayHash(position);
  const live = log.liveHash?.(position);
  if (live === undefined) {
    const why = log.liveHash
      ? `the engine is not at position ${position} any more`
      : "no engine is running to compare with";
    findings.notChecked("state-hash", why);
    return replayed;
  }
  findings.looked("state-hash", 1);
  if (live !== replayed)
    findings.bad("state-hash", log.shard, position, `replay gives ${replayed}, the engine has ${live}`);
  return replayed;
}

/** Sums of the ledger, by unit, and the ledger held against what was counted from the facts. */
function checkSums(books: readonly ShardAudit[], findings: Findings): Map<string, bigint> {
  const units = new Map<string, bigint>();
  for (const shard of books) {
    for (const { unit, sum } of shard.ledger.entries.values())
      units.set(unit, (units.get(unit) ?? 0n) + sum.value);
    const expect = (account: string, counted: bigint) => {
      findings.looked("sums", 1);
      const entered = shard.ledger.entries.get(account)?.sum.value ?? 0n;
      if (entered === counted) return;
      findings.bad(
        "sums",
        shard.shard,
        shard.position,
        `${account}: the ledger has ${entered}, counted ${counted}`,
      );
    };
    for (const { id, currency, available, held, points } of shard.ledger.accounts) {
      if (currency >= 0) expect(`wallet:${id}`, BigInt(available));
      if (currency >= 0) expect(`held:${id}`, BigInt(held));
      if (points !== 0) expect(`points:${id}`, BigInt(points));
    }
    for (const { id, remote, supplied, found, lost, available, held, sold } of shard.stock.products) {
      if (remote) continue;
      expect(`stock:${id}:available`, BigInt(available));
      expect(`stock:${id}:held`, BigInt(held));
      expect(`stock:${id}:sold`, BigInt(sold));
      expect(`stock:${id}:supplied`, BigInt(-supplied));
      expect(`stock:${id}:found`, BigInt(-found));
      expect(`stock:${id}:lost`, BigInt(lost));
    }
    for (const [currency, sum] of shard.ledger.inOrders.entries()) expect(`order: ${currency}`, sum);
    for (const [currency, sum] of shard.payments.suspense.entries()) expect(`suspense:${currency}`, sum);
    for (const [currency, sum] of shard.refunds.payable.entries()) expect(`payable:${currency}`, sum);
    for (const [currency, sum] of shard.ledger.revenue.entries()) expect(`revenue:${currency}`, sum);
    const { granted, reversed, spent } = shard.points;
    expect("issued:points", reversed.value - granted.value);
    expect("redeemed:points", spent.value);
  }
  for (const [unit, sum] of units) {
    findings.looked("sums", 1);
    const last = books[books.length - 1]!;
    if (sum !== 0n) findings.bad("sums", last.shard, last.position, `${unit} sums to ${sum}`);
  }
  return units;
}

function certify(
  audits: readonly Audited[],
  findings: Findings,
  figures: AuditFigures,
  clock: AuditClock | undefined,
): Certificate {
  const checks = findings.results();
  const { first } = findings;
  return {
    ok: checks.every(({ ok }) => ok !== false),
    from: Math.min(...audits.map(({ walk }) => walk.first)),
    to: figures.facts,
    stateHash: combine(audits.map(({ stateHash }) => stateHash)),
    shards: audits.map(({ walk, stateHash }) => ({
      shard: walk.books.shard,
      from: walk.first,
      to: walk.position,
      chainHash: walk.chainHash,
      stateHash,
    })),
    checks,
    figures,
    clock: distance(Math.max(...audits.map(({ walk }) => walk.books.time)), clock),
    ...(first && {
      firstBad: { shard: first.shard, position: first.position, what: `${first.check}: ${first.what}` },
    }),
    repairPlan: findings.repairPlan(),
  };
}

function distance(lastTurn: number, clock: AuditClock | undefined): Certificate["clock"] {
  const engineMs = clock?.engineMs ?? Math.floor(lastTurn / 1000);
  return {
    time: engineMs === 0 ? null : new Date(engineMs).toISOString(),
    aheadMs: clock ? Math.max(0, engineMs - clock.wallMs) : null,
  };
}

function combine(hashes: readonly (string | null)[]): string | null {
  if (hashes.length === 1) return hashes[0]!;
  if (hashes.includes(null)) return null;
  return createHash("sha256").update(hashes.join("")).digest("hex");
}
