/** Outlets in this process: deliveries over logs of their own, functions, a webhook's receiver on loopback, event files. */

import { createHmac } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { open as open_ } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Webhook } from "standardwebhooks";
import { afterEach, describe, expect, test } from "vitest";
import { backOffMs } from "../../../actors/transactions/retry.js";
import { eventFileOutlet } from "../../../gateway/outlets/event-file.js";
import {
  type OutletEvent,
  type OutletSetup,
  type WebhookSetup,
  wantsType,
} from "../../../gateway/outlets/outlet.js";
import { type OutletsOptions, openOutlets } from "../../../gateway/outlets/outlets.js";
import { webhookOutlet } from "../../../gateway/outlets/webhook.js";
import { type MemoryJournal, memoryJournal } from "../../../persistence/log/memory-journal.js";
import { OutletStore } from "../../../persistence/outlets/outlet-store.js";
import { groupsOf, shardOne, shardZero } from "../../persistence/trading-log.js";
import { type EventSink, openEventSink } from "../../support/event-sink.js";

const folders: string[] = [];
const closing: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (const each of closing.splice(0)) await each.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true, maxRetries: 9 });
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "yifen-outlets-"));
  folders.push(folder);
  return folder;
}

const logs = [groupsOf(shardZero()), groupsOf(shardOne())] as const;

function journals(): MemoryJournal[] {
  return logs.map((groups) => {
    const journal = memoryJournal();
    for (const group of groups) journal.append(group);
    return journal;
  });
}

async function sink(...respond: Parameters<typeof openEventSink>): Promise<EventSink> {
  const opened = await openEventSink(...respond);
  closing.push(opened);
  return opened;
}

function open(outlets: readonly OutletSetup[], more: Partial<OutletsOptions> = {}) {
  const said: string[] = [];
  const opened = openOutlets({
    folder: undefined,
    journals: journals(),
    outlets,
    say: (line) => void said.push(line),
    ...more,
  });
  closing.push({ close: () => opened.stop() });
  return { ...opened, said };
}

async function until(holds: () => boolean, withinMs = 10_000): Promise<void> {
  const end = performance.now() + withinMs;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${holds}`);
    await sleep(5);
  }
}

/** A function that keeps what it is given, as an outlet that begins with the first event. */
function keeper(given: OutletEvent[], more: Partial<Extract<OutletSetup, { kind: "function" }>> = {}) {
  const deliver = (event: OutletEvent) => void given.push(event);
  return { kind: "function", name: "keeper", from: "start", deliver, ...more } as const;
}

function hook(url: string, more: Partial<WebhookSetup> = {}): WebhookSetup {
  return {
    kind: "webhook",
    name: "hook",
    from: "start",
    url,
    secret: undefined,
    attemptsMax: 3,
    batchMax: 1,
    ...more,
  };
}

/** All events of the logs, in the order of each shard. */
async function everything(): Promise<OutletEvent[][]> {
  const given: OutletEvent[] = [];
  const outlets = open([keeper(given)]);
  await until(() => outlets.figures()[0]!.lag === 0);
  return [0, 1].map((shard) => given.filter((event) => event.shard === shard));
}

const ofShard = (events: readonly OutletEvent[], shard: number) =>
  events.filter((event) => event.shard === shard);

describe("a delivery", () => {
  test("OUTLET-NAMES-2: delivers the events of its shard in the order of the log, each once, with place and time", async () => {
    const [zero, one] = await everything();
    expect(zero!.length).toBeGreaterThan(10);
    expect(one!.length).toBeGreaterThan(1);
    for (const events of [zero!, one!]) {
      const seqs = events.map(({ seq }) => seq);
      expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
      for (const { id, shard, seq, time } of events) {
        expect(id).toBe(`${shard}:${seq}`);
        expect(time).toMatch(/^2026-01-01T00:\d\d:\d\d\.\d{3}Z$/);
      }
    }
    expect(zero!.find(({ type }) => type === "order.paid")).toMatchObject({
      data: { account: "alice", status: "Paid", effects: ["packing_task", "notification"] },
    });
  });

  test("delivers what an outlet asked for, and passes over the rest", async () => {
    const all = (await everything()).flat();
    const given: OutletEvent[] = [];
    const outlets = open([keeper(given, { events: ["order.canceled", "product.re"] })]);
    await until(() => outlets.figures()[0]!.lag === 0);
    const wanted = all.filter(({ type }) => /^(order\.canceled$|product\.re)/.test(type));
    expect(wanted.length).toBeGreaterThan(1);
    for (const shard of [0, 1]) expect(ofShard(given, shard)).toEqual(ofShard(wanted, shard));
    expect(outlets.figures()[0]).toMatchObject({ delivered: given.length, failed: 0, dead: 0 });
  });

  test("a new outlet begins behind what there is, unless it is told to begin at the start", async () => {
    const [zero] = await everything();
    const half = logs[0].slice(0, 3);
    const journal = memoryJournal();
    for (const group of half) journal.append(group);
    const [atEnd, atStart]: OutletEvent[][] = [[], []];
    const outlets = open([keeper(atEnd!, { from: "end" }), keeper(atStart!, { name: "all" })], {
      journals: [journal],
    });
    await until(() => outlets.figures().every(({ lag }) => lag === 0));
    expect(atEnd).toEqual([]);
    for (const group of logs[0].slice(3)) journal.append(group);
    await until(() => outlets.figures().every(({ lag }) => lag === 0));
    expect(atStart).toEqual(zero);
    expect(atEnd).toEqual(zero!.filter(({ seq }) => seq > half.at(-1)!.last));
    expect(atEnd!.length).toBeGreaterThan(3);
  });

  test("DELIVERY-1, DELIVERY-3: an event that fails is tried again before the next one, and the others wait", async () => {
    const [zero] = await everything();
    const attempts: string[] = [];
    const failing = zero![2]!.id;
    const given: OutletEvent[] = [];
    const deliver = (event: OutletEvent) => {
      attempts.push(event.id);
      if (event.id === failing && attempts.filter((id) => id === failing).length < 3)
        throw new Error("not yet");
      given.push(event);
    };
    const outlets = open([keeper(given, { deliver })]);
    await until(() => outlets.figures()[0]!.lag === 0);
    expect(ofShard(given, 0)).toEqual(zero);
    expect(attempts.filter((id) => id === failing)).toHaveLength(3);
    expect(outlets.figures()[0]).toMatchObject({ failed: 2, dead: 0 });
  });

  test("an event that always fails is put aside, the following go on, and it is delivered when somebody asks", async () => {
    const [zero, one] = await everything();
    const bad = zero![1]!;
    const folder = newFolder();
    let works = false;
    const given: OutletEvent[] = [];
    const deliver = async (event: OutletEvent) => {
      if (event.id === bad.id && !works) throw new Error("never");
      given.push(event);
    };
    const store = new OutletStore(join(folder, "outlets.db"));
    const all = journals();
    const { figures, said, stop } = openHere(folder, all, [keeper(given, { deliver, attemptsMax: 2 })]);
    await until(() => figures()[0]!.lag === 0 && figures()[0]!.dead === 1);
    expect(ofShard(given, 0)).toEqual(zero!.filter(({ id }) => id !== bad.id));
    expect(ofShard(given, 1)).toEqual(one);
    const [letter] = store.letters();
    expect(letter).toMatchObject({ outlet: "keeper", shard: 0, seq: bad.seq, attempts: 2, error: "never" });
    expect(JSON.parse(letter!.event)).toEqual(bad);
    expect(said.join("\n")).toContain(`event ${bad.id} (${bad.type}) was put aside after 2 attempts: never`);

    store.want(letter!.id);
    await until(() => store.letters()[0]!.attempts === 3);
    expect(store.letters()[0]).toMatchObject({ wanted: false, error: "never" });
    works = true;
    store.want("all");
    await until(() => store.letters().length === 0);
    await until(() => figures()[0]!.dead === 0);
    expect(given.at(-1)).toEqual(bad);
    await stop();
    store.close();
  });

  test("goes on where it was after a restart, and has delivered everything at least once, in order", async () => {
    const [zero, one] = await everything();
    const folder = newFolder();
    const all = journals();
    const given: OutletEvent[] = [];
    const deliver = async (event: OutletEvent) => {
      await sleep(1);
      given.push(event);
    };
    for (let n = 0; n < 200; n++) {
      const running = openHere(folder, all, [keeper(given, { deliver })]);
      await sleep(4);
      const caughtUp = running.figures()[0]!.lag === 0;
      await running.stop();
      if (caughtUp) break;
    }
    // A stop finishes what has begun, so here nothing is even repeated.
    expect(ofShard(given, 0)).toEqual(zero);
    expect(ofShard(given, 1)).toEqual(one);
  });

  test("DELIVERY-2, DELIVERY-4, OUTLET-SCHEMA-1: a delivery that hangs is given up when the engine stops, and is made again", async () => {
    const folder = newFolder();
    const all = journals();
    const first = openHere(folder, all, [keeper([], { deliver: () => new Promise(() => {}) })]);
    await sleep(50);
    const began = performance.now();
    await first.stop();
    expect(performance.now() - began).toBeLessThan(6000);
    const given: OutletEvent[] = [];
    const second = openHere(folder, all, [keeper(given)]);
    await until(() => second.figures()[0]!.lag === 0);
    expect(ofShard(given, 0)).toEqual((await everything())[0]);
    await second.stop();
  });

  test("a delivery that takes too long has failed", async () => {
    const given: OutletEvent[] = [];
    let hangs = true;
    const deliver = (event: OutletEvent) => {
      if (hangs) {
        hangs = false;
        return new Promise<void>(() => {});
      }
      given.push(event);
    };
    const outlets = open([keeper(given, { deliver, timeoutMs: 50 })]);
    await until(() => outlets.figures()[0]!.lag === 0);
    expect(outlets.figures()[0]).toMatchObject({ failed: 1, dead: 0 });
    expect(given.map(({ id }) => id).sort()).toEqual(
      (await everything())
        .flat()
        .map(({ id }) => id)
        .sort(),
    );
  });

  test("a log that is shorter than what was delivered is said, and gone on with from its end", async () => {
    const folder = newFolder();
    const whole = openHere(folder, journals(), [keeper([])]);
    await until(() => whole.figures()[0]!.lag === 0);
    await whole.stop();
    const restored = logs.map((groups) => {
      const journal = memoryJournal();
      for (const group of groups.slice(0, -2)) journal.append(group);
      return journal;
    });
    const given: OutletEvent[] = [];
    const again = openHere(folder, restored, [keeper(given)]);
    expect(again.said.join("\n")).toContain("belongs to another log");
    expect(again.said.join("\n")).toContain("but the log ends with");
    restored[0]!.append(logs[0].at(-2)!);
    await until(() => again.figures()[0]!.lag === 0);
    for (const { seq } of given) expect(seq).toBeGreaterThan(logs[0].at(-3)!.last);
    await again.stop();
  });

  test("names are names, each once", () => {
    expect(() => open([keeper([]), keeper([])])).toThrow("two outlets are called keeper");
    expect(() => open([keeper([], { name: "a b" })])).toThrow('"a b" is not a name');
  });
});

/** On a store in a folder, over journals in memory: what a restart finds is under the test's control. */
function openHere(folder: string, all: readonly MemoryJournal[], setups: readonly OutletSetup[]) {
  const said: string[] = [];
  const options = { folder: undefined, file: join(folder, "outlets.db"), journals: all, outlets: setups };
  return { ...openOutlets({ ...options, say: (line) => void said.push(line) }), said };
}

test("retries wait 100 ms, doubled each time, 20 % more or less, and 30 s at most", () => {
  const waits = [1, 2, 3, 8, 9, 10, 100].map((failures) => [
    backOffMs(failures, 0),
    backOffMs(failures, 0.5),
    backOffMs(failures, 1),
  ]);
  expect(waits).toEqual([
    [80, 100, 120],
    [160, 200, 240],
    [320, 400, 480],
    [10_240, 12_800, 15_360],
    [20_480, 25_600, 30_000],
    [24_000, 30_000, 30_000],
    [24_000, 30_000, 30_000],
  ]);
});

test("an outlet wants all events, or the types that begin as it says", () => {
  expect(wantsType(undefined)("human.opened")).toBe(true);
  const some = wantsType(["order.pa", "refund.done"]);
  expect((["order.paid", "order.packing", "refund.done"] as const).every(some)).toBe(true);
  expect((["order.created", "refund.refused"] as const).some(some)).toBe(false);
});

describe("a webhook", () => {
  const event = (n: number): OutletEvent => ({
    id: `0:${n}`,
    shard: 0,
    seq: n,
    type: "order.paid",
    time: "2026-01-01T00:00:00.000Z",
    data: { order: `o${n}`, note: "一分" },
  });
  const never = new AbortController().signal;
  const secret = "a secret of the receiver";

  function outlet(url: string, more: Partial<WebhookSetup> = {}) {
    const made = webhookOutlet(hook(url, more));
    closing.push(made);
    return made;
  }

  test("posts one event as an object, signed over its time and its bytes", async () => {
    const to = await sink();
    await outlet(to.url, { secret }).deliver([event(1)], never);
    const [{ headers, body }] = to.requests as [EventSink["requests"][0]];
    expect(JSON.parse(body)).toEqual(event(1));
    expect(headers).toMatchObject({ "content-type": "application/json", "yifen-event-id": "0:1" });
    const [, t, v1] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(headers["yifen-signature"] as string)!;
    expect(v1).toBe(createHmac("sha256", secret).update(`${t}.${body}`).digest("hex"));
    expect(Math.abs(Number(t) - Date.now() / 1000)).toBeLessThan(60);
  });

  test("posts an array when it may, also of one; without a secret it is not signed", async () => {
    const to = await sink();
    const batching = outlet(to.url, { batchMax: 10 });
    await batching.deliver([event(1), event(2)], never);
    await batching.deliver([event(3)], never);
    expect(to.requests.map(({ body }) => JSON.parse(body))).toEqual([[event(1), event(2)], [event(3)]]);
    expect(to.requests[0]!.headers["yifen-event-id"]).toBe("0:2");
    expect(to.requests[0]!.headers).not.toHaveProperty("yifen-signature");
  });

  test.each([
    ["in the form of the standard", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", {}],
    ["of another form, taken as its bytes", "0123456789abcdef!", { format: "raw" }],
  ] as const)(
    "is verified by the library of Standard Webhooks, with a secret %s",
    async (_, secret, format) => {
      const to = await sink();
      const outlet = webhookOutlet({ ...hook(to.url), secret });
      closing.push(outlet);
      const [event] = (await everything()).flat();
      await outlet.deliver([event!], new AbortController().signal);
      const { headers, body } = to.requests[0]!;
      const webhook = new Webhook(secret, format);
      const given = headers as Record<string, string>;
      expect(webhook.verify(body, given)).toEqual(event);
      expect(given["webhook-id"]).toBe(event!.id);
      expect(() => webhook.verify(`${body} `, given)).toThrow();
      expect(() => webhook.verify(body, { ...given, "webhook-id": "0:2" })).toThrow();
      expect(() => new Webhook("another secret!!", { format: "raw" }).verify(body, given)).toThrow();
    },
  );

  test.each([200, 201, 204, 299])("WEBHOOK-1: %i means delivered", async (status) => {
    const to = await sink(() => status);
    await outlet(to.url).deliver([event(1)], never);
  });

  test.each([300, 302, 307, 400, 404, 410, 429, 500, 503])("WEBHOOK-1: %i does not", async (status) => {
    const to = await sink(() => (response) => {
      response.writeHead(status, { location: to.url }).end("go away");
    });
    await expect(outlet(to.url).deliver([event(1)], never)).rejects.toThrow(`status ${status}: go away`);
    expect(to.requests).toHaveLength(1);
  });

  test("WEBHOOK-2: a response without an end is read no further than is bounded", async () => {
    for (const status of [200, 500]) {
      let sent = 0;
      const to = await sink(() => (response) => {
        response.writeHead(status);
        const more = () => {
          while (!response.destroyed && response.write("x".repeat(16_384))) sent += 16_384;
          if (!response.destroyed) response.once("drain", more);
        };
        response.on("error", () => {});
        more();
      });
      const delivery = outlet(to.url).deliver([event(1)], never);
      if (status === 200) await delivery;
      else await expect(delivery).rejects.toThrow(/^status 500: x{200}$/);
      await sleep(50);
      expect(sent).toBeLessThan(50_000_000);
    }
  });

  test("nobody there, or a connection that breaks: an error, not an exception", async () => {
    const to = await sink(() => (response) => response.destroy());
    await expect(outlet(to.url).deliver([event(1)], never)).rejects.toThrow(/hang up|ECONNRESET/);
    await expect(outlet("http://127.0.0.1:9/").deliver([event(1)], never)).rejects.toThrow("ECONNREFUSED");
  });

  test("a receiver that hangs is left when it is time to stop", async () => {
    const to = await sink(() => "hang");
    const giveUp = new AbortController();
    const delivery = outlet(to.url).deliver([event(1)], giveUp.signal);
    await to.until(() => to.requests.length === 1);
    giveUp.abort();
    await expect(delivery).rejects.toThrow();
  });

  test("a receiver that fails some times and then works misses nothing, in order, by backing off", async () => {
    const [zero, one] = await everything();
    const to = await sink((_, n) => (n <= 4 ? 503 : 200));
    const outlets = open([hook(to.url, { attemptsMax: 10, secret })]);
    await to.until(() => to.accepted.length === zero!.length + one!.length);
    for (const [shard, expected] of [zero!, one!].entries()) {
      expect(ofShard(to.accepted, shard)).toEqual(expected);
      const first = to.requests.filter(({ events }) => events[0]!.id === expected[0]!.id).map(({ at }) => at);
      expect(first[1]! - first[0]!).toBeGreaterThan(70);
    }
    await until(() => outlets.figures()[0]!.lag === 0);
    expect(outlets.figures()[0]).toMatchObject({ failed: 4, dead: 0 });
  });

  test("one event that the receiver cannot take is put aside alone, also out of an array", async () => {
    const [zero, one] = await everything();
    const bad = zero![3]!.id;
    const to = await sink(({ events }) => (events.some(({ id }) => id === bad) ? 422 : 200));
    const outlets = open([hook(to.url, { batchMax: 5, attemptsMax: 2 })]);
    await until(() => outlets.figures()[0]!.lag === 0);
    const expected = [zero!.filter(({ id }) => id !== bad), one!];
    for (const shard of [0, 1]) expect(ofShard(to.accepted, shard)).toEqual(expected[shard]);
    expect(outlets.figures()[0]).toMatchObject({ dead: 1, failed: 3 });
    expect(to.requests.length).toBeLessThan(zero!.length + one!.length);
  });
});

describe("an event file", () => {
  const event = (n: number): OutletEvent => ({
    id: `0:${n}`,
    shard: 0,
    seq: n,
    type: "order.paid",
    time: "2026-01-01T00:00:00.000Z",
    data: {},
  });
  const never = new AbortController().signal;
  const linesOf = (file: string) => readFileSync(file, "utf8").split("\n").slice(0, -1);
  const idsOf = (file: string) => linesOf(file).map((line) => (JSON.parse(line) as OutletEvent).id);

  function outlet(file: string, bytesMax = 1 << 20) {
    const made = eventFileOutlet({ kind: "file", name: "file", file, bytesMax });
    closing.push(made);
    return made;
  }

  test("holds one line of JSON for every event, of all shards, and goes on with what is there", async () => {
    const [zero, one] = await everything();
    const file = join(newFolder(), "deep", "events.jsonl");
    await outlet(file).deliver([event(1)], never);
    const outlets = open([{ kind: "file", name: "file", file, bytesMax: 1 << 20, from: "start" }]);
    await until(() => outlets.figures()[0]!.lag === 0);
    const events = linesOf(file).map((line) => JSON.parse(line) as OutletEvent);
    expect(events[0]).toEqual(event(1));
    expect(ofShard(events.slice(1), 0)).toEqual(zero);
    expect(ofShard(events.slice(1), 1)).toEqual(one);
  });

  test("EVENT-FILE-2: a delivery is over when its lines are on the disk, and not before", async () => {
    const file = join(newFolder(), "events.jsonl");
    const to = outlet(file);
    await to.deliver([event(1)], never);
    const probe = await open_(file);
    const handles = Object.getPrototypeOf(probe) as { datasync(): Promise<void> };
    await probe.close();
    const { datasync } = handles;
    const synced: string[][] = [];
    handles.datasync = async function (this: unknown) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      await datasync.call(this);
      synced.push(idsOf(file));
    };
    try {
      await to.deliver([event(2), event(3)], never);
      expect(synced).toEqual([["0:1", "0:2", "0:3"]]);
    } finally {
      handles.datasync = datasync;
    }
  });

  test("EVENT-FILE-3: a full one gets the next number, a new one begins, and none is ever removed", async () => {
    const file = join(newFolder(), "events.jsonl");
    writeFileSync(`${file}.7`, "kept\n");
    const lineBytes = JSON.stringify(event(10)).length + 1;
    const to = outlet(file, 3 * lineBytes);
    for (let n = 10; n < 18; n++) await to.deliver([event(n)], never);
    expect(readdirSync(join(file, "..")).sort()).toEqual(
      ["events.jsonl", "events.jsonl.7", "events.jsonl.8", "events.jsonl.9"].sort(),
    );
    expect([`${file}.8`, `${file}.9`, file].map(idsOf)).toEqual([
      ["0:10", "0:11", "0:12"],
      ["0:13", "0:14", "0:15"],
      ["0:16", "0:17"],
    ]);
    expect(readFileSync(`${file}.7`, "utf8")).toBe("kept\n");
  });

  test.each(['{"id":"0:3","sha', '{"i', "{", `{"id":"0:3","data":"${"x".repeat(1000)}`])(
    "EVENT-FILE-1: half a line (%s) is cut off before the next",
    async (half) => {
      const file = join(newFolder(), "events.jsonl");
      await outlet(file).deliver([event(1), event(2)], never);
      writeFileSync(file, readFileSync(file, "utf8") + half);
      await outlet(file).deliver([event(3)], never);
      expect(idsOf(file)).toEqual(["0:1", "0:2", "0:3"]);
      expect(readFileSync(file, "utf8")).toMatch(/\n$/);
    },
  );

  test("a file that is not of events is left as it is", async () => {
    const file = join(newFolder(), "photo.jpg");
    writeFileSync(file, "not events, and no newline");
    await expect(outlet(file).deliver([event(1)], never)).rejects.toThrow("not an event");
    expect(readFileSync(file, "utf8")).toBe("not events, and no newline");
  });

  test("what cannot be written is tried until it can be, and is never put aside", async () => {
    const folder = newFolder();
    const blocked = join(folder, "blocked");
    writeFileSync(blocked, "");
    const file = join(blocked, "events.jsonl");
    const outlets = open([{ kind: "file", name: "file", file, bytesMax: 1 << 20, from: "start" }]);
    await until(() => outlets.figures()[0]!.failed >= 3);
    rmSync(blocked);
    await until(() => outlets.figures()[0]!.lag === 0);
    expect(idsOf(file).length).toBe((await everything()).flat().length);
    expect(outlets.figures()[0]!.dead).toBe(0);
  });
});
