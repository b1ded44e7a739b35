/**
 * Transactions in the logs, followed fact by fact: what was wished, how it was decided, and what became of every part of it,
 * at its coordinator, at its actors and in the books of the carrier.
 *
 * D1  A transaction begins once, with the parts that its client wished, under a key that begins no other. It is decided once,
 *     and ends once, as it was decided. At the end of the world none is open.
 * D2  A saga's steps start one after the other; what was done is undone newest first, one at a time. Of one that is stuck
 *     those before it do not wait, but the debit of a move of money waits for its credit.
 * D3  A TCC is decided for when every part was tried, and never otherwise. Nothing is confirmed or undone before.
 * D4  Done: every part has had its effect, once. Undone: none has. What a human has said stands, and even then nothing is
 *     held or on its way, and suspense is where it was.
 * D5  What the carrier has done is what the transaction says.
 */

import { readFacts } from "../../actors/fact-codec.js";
import { type Fact, type FactOf, Facts } from "../../actors/facts.js";
import { itemId, transactionId } from "../../actors/order-number.js";
import { minorOf } from "./amounts.js";
import { type KnownDeal, modes, type Wish } from "./deals.js";
import type { Host } from "./host.js";
import type { World } from "./world.js";

const outcomes = ["", "done", "undone"] as const;
const says = ["", "confirmed", "undone", "by_human", "nothing"] as const;

/** What is wished of one part, in the auditor's own words. */
interface Part {
  readonly name: string;
  readonly kind: "stock" | "debit" | "credit" | "call";
  readonly subject: string;
  readonly amount: number;
  /** Where money goes that is taken. */
  readonly to: "transit" | "revenue" | "";
  state: "waiting" | "begun" | "done" | "refused" | "unknown" | "ending" | "settled";
  settled: (typeof says)[number];
  stuck: boolean;
  unknown: boolean;
}

interface Deal {
  readonly id: string;
  readonly account: string;
  readonly mode: "saga" | "tcc";
  readonly name: string;
  readonly input: string;
  readonly parts: readonly Part[];
  decided: "" | "done" | "undone";
  ended: boolean;
}

export interface UnitShift {
  readonly position: number;
  readonly product: string;
  readonly available: number;
  readonly held: number;
  readonly sold: number;
}

const shelfNames = ["", "available", "held", "sold"];
const purseNames = ["", "wallet", "held", "transit", "revenue", "suspense", "loss"];

export class DealsAudit {
  readonly deals = new Map<number, Deal>();
  /** By shard, in the order of its log: what no feed tells. */
  readonly shifts: UnitShift[][] = [];
  /** What wallets have got and given by transactions. */
  readonly wallets = new Map<string, number>();
  /** "account product": units. */
  readonly bought = new Map<string, number>();
  /** "transaction branch place": units or minor units that came there, less what went. */
  readonly #nets = new Map<string, number>();
  readonly #effects = new Map<string, number>();
  readonly #calls = new Set<number>();
  /** Subjects of items, and which of them are open. */
  readonly #items = new Map<number, string>();
  readonly #openItems = new Set<number>();
  readonly #keys = new Set<string>();
  readonly #world: World;
  #host: Host;
  #accounts: string[] = [];
  #products: string[] = [];

  constructor(world: World) {
    this.#world = world;
    this.#host = world.hosts[0]!;
    for (const host of world.hosts) {
      this.#host = host;
      this.#accounts = [];
      this.#products = [];
      this.shifts.push([]);
      for (const { body, first } of host.disk.groups)
        readFacts(body, first, (fact, _time, position) => this.#take(fact, position));
    }
  }

  #wrong(what: string): never {
    this.#world.audit.violation(`log of ${this.#host.number}: ${what}`);
  }

  #take(fact: Fact, position: number): void {
    switch (fact.type) {
      case Facts.accountNamed:
        this.#accounts.push(fact.id);
        break;
      case Facts.productCreated:
      case Facts.productKnown:
        this.#products.push(fact.id);
        break;
      case Facts.transactionBegun:
        this.#begun(fact);
        break;
      case Facts.partBegun:
        this.#partBegun(this.#deal(fact.transaction), fact.part);
        break;
      case Facts.partAnswered: {
        const part = this.#deal(fact.transaction).parts[fact.part]!;
        if (part.state !== "begun") this.#wrong(`${part.name} is answered, and is ${part.state}`);
        part.state = (["done", "refused", "unknown"] as const)[fact.how - 1]!;
        part.unknown = part.state === "unknown";
        part.stuck = false;
        break;
      }
      case Facts.transactionDecided:
        this.#decided(this.#deal(fact.transaction), outcomes[fact.how] as "done" | "undone");
        break;
      case Facts.partEnding:
        this.#ending(this.#deal(fact.transaction), fact.part);
        break;
      case Facts.partSettled:
        this.#settled(this.#deal(fact.transaction), fact.part, says[fact.how]!);
        break;
      case Facts.partStuck:
        this.#deal(fact.transaction).parts[fact.part]!.stuck = true;
        break;
      case Facts.partRepeated:
        this.#deal(fact.transaction).parts[fact.part]!.stuck = false;
        break;
      case Facts.transactionEnded:
        this.#ended(this.#deal(fact.transaction), outcomes[fact.how]!);
        break;
      case Facts.callMade:
        if (fact.owner === 2) this.#calls.add(fact.call);
        break;
      case Facts.callEnded:
        this.#calls.delete(fact.call);
        break;
      case Facts.humanOpened:
        if (fact.kind !== 3) break;
        this.#items.set(fact.item, fact.subject);
        this.#openItems.add(fact.item);
        break;
      case Facts.humanResolved:
        this.#openItems.delete(fact.item);
        break;
      case Facts.entryMade:
        this.#entry(fact);
        break;
      case Facts.unitsShifted:
        this.#units(fact, position);
        break;
      case Facts.moneyShifted:
        this.#money(fact);
        break;
    }
  }

  #deal(number: number): Deal {
    const deal = this.deals.get(number) ?? this.#wrong(`there is no transaction ${number}`);
    if (deal.ended) this.#wrong(`${deal.id} has ended, and goes on`);
    return deal;
  }

  /** D1. */
  #begun({ transaction, account, mode, name, input, plan, key }: FactOf<"transactionBegun">): void {
    const id = transactionId(transaction);
    const owner = this.#accounts[account]!;
    if (this.deals.has(transaction)) this.#wrong(`${id} begins twice`);
    if (this.#keys.has(`${owner} ${key}`)) this.#wrong(`${id}: the key ${key} of ${owner} began another one`);
    this.#keys.add(`${owner} ${key}`);
    const slot = this.#world.audit.model.slots.get(`order ${owner} ${key}`);
    const wished = slot?.variants.some(
      ({ method, params }) =>
        method === "transaction.begin" && params.name === name && JSON.stringify(params.input) === input,
    );
    if (!wished) this.#wrong(`${id}: nobody has wished ${name} ${input}`);
    const parts = partsOf(JSON.parse(input) as Wish, owner);
    const planned = (JSON.parse(plan) as { name: string }[]).map((part) => part.name);
    if (modes[name] !== (["", "tcc", "saga"] as const)[mode]) this.#wrong(`${id}: ${name} as ${mode}`);
    if (planned.join() !== parts.map((part) => part.name).join()) this.#wrong(`${id}: ${plan} for ${input}`);
    this.deals.set(transaction, {
      ...{ id, account: owner, mode: modes[name]!, name, input, parts, decided: "", ended: false },
    });
  }

  #partBegun({ id, mode, parts, decided }: Deal, index: number): void {
    const part = parts[index]!;
    if (part.state !== "waiting" || decided !== "") this.#wrong(`${id}: ${part.name} begins out of time`);
    if (mode === "saga" && parts.slice(0, index).some(({ state }) => state !== "done"))
      this.#wrong(`${id}: ${part.name} begins before its turn`);
    part.state = "begun";
  }

  /** D3. */
  #decided(deal: Deal, how: "done" | "undone"): void {
    const { id, parts } = deal;
    if (deal.decided !== "") this.#wrong(`${id} is decided twice`);
    if (how === "done" && parts.some(({ state }) => state !== "done"))
      this.#wrong(`${id} is to be done, and a part is not`);
    deal.decided = how;
  }

  /** D2. */
  #ending({ id, mode, parts, decided }: Deal, index: number): void {
    const part = parts[index]!;
    const { state } = part;
    if (decided === "" || (mode === "saga" && decided === "done"))
      this.#wrong(`${id}: ${part.name} ends out of time`);
    if (state === "settled" || state === "waiting" || state === "refused")
      this.#wrong(`${id}: ${part.name} ends, and is ${state}`);
    if (state === "ending") return;
    part.state = "ending";
    part.stuck = false;
    if (mode === "tcc") return;
    const later = parts.slice(index + 1).filter((other) => other.state !== "settled");
    if (later.some((other) => other.state !== "ending" || !other.stuck))
      this.#wrong(`${id}: ${part.name} is undone before what came after it`);
    if (later.some(({ name }) => name === `${part.name}:to`))
      this.#wrong(`${id}: ${part.name} is undone before what it paid for`);
    if (later.length > 0) this.#world.coverage.hit("step undone while a later one is stuck");
    if (parts.slice(index + 1).some(({ settled }) => settled === "undone"))
      this.#world.coverage.hit("saga compensated newest first");
  }

  #settled({ id, decided, mode, parts }: Deal, index: number, how: Part["settled"]): void {
    const part = parts[index]!;
    if (part.state === "settled") this.#wrong(`${id}: ${part.name} is settled twice`);
    if (how === "confirmed" && (decided !== "done" || mode !== "tcc"))
      this.#wrong(`${id}: ${part.name} is confirmed, and it is ${decided}`);
    if (how === "undone" && decided !== "undone")
      this.#wrong(`${id}: ${part.name} is undone, and it is ${decided}`);
    if (how === "nothing" && part.state !== "waiting" && part.state !== "refused")
      this.#wrong(`${id}: there was something to undo of ${part.name}: it is ${part.state}`);
    if (how === "undone" && part.unknown) this.#world.coverage.hit("unknown step compensated");
    if (how === "by_human") this.#world.coverage.hit("human resolved a transaction");
    part.state = "settled";
    part.settled = how;
  }

  #ended(deal: Deal, how: string): void {
    const { id, mode, decided, parts } = deal;
    const { coverage } = this.#world;
    if (how !== decided) this.#wrong(`${id} is ${how}, and was decided to be ${decided}`);
    if ((mode === "tcc" || how === "undone") && parts.some(({ state }) => state !== "settled"))
      this.#wrong(`${id} has ended before its parts`);
    deal.ended = true;
    if (mode === "tcc") coverage.hit(how === "done" ? "committed by TCC" : "canceled by TCC");
    else coverage.hit(how === "done" ? "saga done" : "saga undone");
  }

  #add(to: Map<string, number>, name: string, amount: number): void {
    to.set(name, (to.get(name) ?? 0) + amount);
  }

  /** Human entries about a part: what they leave in suspense is its. */
  #entry({ item, from, to, amount }: FactOf<"entryMade">): void {
    const subject = this.#items.get(item);
    if (subject === undefined) return;
    const [id] = subject.split("/");
    if (from === "suspense") this.#add(this.#nets, `${id!.slice(1)} suspense`, -amount);
    if (to === "suspense") this.#add(this.#nets, `${id!.slice(1)} suspense`, amount);
  }

  #units(fact: FactOf<"unitsShifted">, position: number): void {
    const { transaction, branch, qty } = fact;
    const product = this.#products[fact.product]!;
    const taker = this.#accounts[fact.account]!;
    const moved: Record<string, number> = { available: 0, held: 0, sold: 0 };
    for (const [shelf, amount] of [
      [shelfNames[fact.from]!, -qty],
      [shelfNames[fact.to]!, qty],
    ] as const) {
      moved[shelf]! += amount;
      this.#add(this.#nets, `${transaction} ${branch} ${shelf} ${product} ${taker}`, amount);
      if (shelf !== "available") this.#add(this.bought, `${taker} ${product}`, amount);
    }
    const { available, held, sold } = moved as { available: number; held: number; sold: number };
    this.shifts[this.#host.number]!.push({ position, product, available, held, sold });
    this.#count(transaction, branch, shelfNames[fact.from]!, shelfNames[fact.to]!);
  }

  #money(fact: FactOf<"moneyShifted">): void {
    const { transaction, branch, from, to, amount } = fact;
    const account = this.#accounts[fact.account]!;
    for (const [purse, moved] of [
      [purseNames[from]!, -amount],
      [purseNames[to]!, amount],
    ] as const) {
      const owned = purse === "wallet" || purse === "held";
      this.#add(this.#nets, `${transaction} ${branch} ${purse}${owned ? ` ${account}` : ""}`, moved);
      if (!owned) this.#add(this.#nets, `${transaction} ${purse}`, moved);
      if (purse === "wallet") this.#add(this.wallets, account, moved);
    }
    this.#count(transaction, branch, purseNames[from]!, purseNames[to]!);
  }

  /** No effect is had twice. */
  #count(transaction: number, branch: number, from: string, to: string): void {
    const name = `${transaction} ${branch} ${from} to ${to}`;
    this.#add(this.#effects, name, 1);
    if (this.#effects.get(name)! > 1) this.#wrong(`${name} twice`);
  }

  /** The end of the world. */
  expectWhole(): void {
    const { audit, carrier } = this.#world;
    for (const [number, deal] of this.deals) {
      const { id, ended, decided, parts, mode } = deal;
      if (!ended) audit.violation(`${id} is ${decided || "undecided"} and has not ended`);
      const byHand = parts.some(({ settled }) => settled === "by_human");
      for (const [branch, part] of parts.entries()) {
        const known = carrier.parcels.get(`${id}/${part.name}`);
        if (part.kind === "call")
          this.#expectParcel(deal, part, known?.state ?? "none", known?.closed ?? false);
        else if (!byHand) this.#expectEffect(number, branch, deal, part);
        else this.#expectNothingHeld(number, branch, part);
      }
      for (const purse of ["transit", "suspense"]) {
        const left = this.#nets.get(`${number} ${purse}`) ?? 0;
        if (left !== 0) audit.violation(`${id}: ${left} is left in ${purse}`);
      }
      if (
        decided === "done" &&
        mode === "tcc" &&
        !byHand &&
        parts.some(({ settled }) => settled !== "confirmed")
      )
        audit.violation(`${id} is done, and a part is not confirmed`);
      const shown = audit.model.deals.get(id);
      if (shown) this.#expectShown(deal, shown);
    }
    for (const { transaction } of audit.model.deals.values())
      if (!this.deals.has(Number(transaction.slice(1)))) audit.violation(`${transaction} is in no log`);
    if (this.#calls.size > 0) audit.violation(`${this.#calls.size} calls of transactions are open`);
    for (const item of this.#openItems)
      audit.violation(`${itemId(item)} of ${this.#items.get(item)} is open`);
    for (const { shard, number } of this.#world.hosts) {
      const { transactions, fences } = shard!.books;
      if (transactions.open.size + fences.open > 0)
        audit.violation(
          `shard ${number}: ${transactions.open.size} transactions, ${fences.open} branches open`,
        );
    }
  }

  #expectShown({ id, account, name, decided, input }: Deal, shown: KnownDeal): void {
    const { audit } = this.#world;
    if (shown.account !== account || shown.name !== name || (shown.input !== "" && shown.input !== input))
      audit.violation(`${id} is shown as another`);
    if (shown.decided !== "" && shown.decided !== decided)
      audit.violation(`${id} was shown as ${shown.decided}, and is ${decided}`);
  }

  /** D4. */
  #expectEffect(number: number, branch: number, { id, decided, account }: Deal, part: Part): void {
    const { kind, subject, amount, to, name } = part;
    const full = decided === "done" ? amount : 0;
    const expected: [string, number][] =
      kind === "stock"
        ? [
            [`available ${subject} ${account}`, -full],
            [`held ${subject} ${account}`, 0],
            [`sold ${subject} ${account}`, full],
          ]
        : kind === "debit"
          ? [
              [`wallet ${subject}`, -full],
              [`held ${subject}`, 0],
              [to, full],
            ]
          : [
              ["transit", -full],
              [`wallet ${subject}`, full],
            ];
    const found = new Map<string, number>();
    for (const [place, net] of this.#placesOf(number, branch)) if (net !== 0) found.set(place, net);
    for (const [place, net] of expected) {
      if ((found.get(place) ?? 0) !== net)
        this.#world.audit.violation(
          `${id} ${decided}: ${name}: ${found.get(place) ?? 0} in ${place}, not ${net}`,
        );
      found.delete(place);
    }
    if (found.size > 0) this.#world.audit.violation(`${id} ${decided}: ${name}: also ${[...found]}`);
  }

  #expectNothingHeld(number: number, branch: number, { name }: Part): void {
    for (const [place, net] of this.#placesOf(number, branch))
      if (place.startsWith("held") && net !== 0)
        this.#world.audit.violation(`t${number}: ${name} still holds ${net}`);
  }

  readonly #places = new Map<string, [string, number][]>();

  #placesOf(number: number, branch: number): readonly [string, number][] {
    if (this.#places.size === 0) {
      for (const [name, net] of this.#nets) {
        const [transaction, part, ...place] = name.split(" ");
        if (place.length === 0) continue;
        const all = this.#places.get(`${transaction} ${part}`) ?? [];
        all.push([place.join(" "), net]);
        this.#places.set(`${transaction} ${part}`, all);
      }
    }
    return this.#places.get(`${number} ${branch}`) ?? [];
  }

  /** D5. */
  #expectParcel({ id, decided, mode }: Deal, part: Part, state: string, closed: boolean): void {
    const wrong = () =>
      this.#world.audit.violation(
        `${id} is ${decided}, ${part.name} ${part.settled}: the carrier says ${state}`,
      );
    const { settled } = part;
    if (settled === "by_human") {
      const open = state === "reserved" || state === "done";
      if (open && !closed) wrong();
    } else if (decided === "done") {
      if (state !== (mode === "tcc" ? "confirmed" : "done")) wrong();
    } else if (settled === "undone" ? state !== "undone" : state !== "none" && state !== "undone") wrong();
  }
}

/** A move of money to a wallet is two parts. */
function partsOf(wish: Wish, account: string): Part[] {
  const { product, qty, to, amount, fee, currency } = wish;
  const minor = (text: string) => minorOf(text, currency);
  const fresh = { state: "waiting", settled: "", stuck: false, unknown: false } as const;
  return wish.steps.flatMap((name): Part[] => {
    switch (name) {
      case "goods":
        return [{ ...fresh, name, kind: "stock", subject: product, amount: qty, to: "" }];
      case "fee":
        return [{ ...fresh, name, kind: "debit", subject: account, amount: minor(fee), to: "revenue" }];
      case "pay":
        return [
          { ...fresh, name, kind: "debit", subject: account, amount: minor(amount), to: "transit" },
          { ...fresh, name: `${name}:to`, kind: "credit", subject: to, amount: minor(amount), to: "" },
        ];
      default:
        return [{ ...fresh, name, kind: "call", subject: "", amount: 0, to: "" }];
    }
  });
}
