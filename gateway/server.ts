/**
 * `yifen start`: an engine on a folder, behind sockets, until a signal or a failure ends it.
 *
 * Exit codes: `cli/fail`.
 */

import { defaultSettings } from "../engine/seams/settings.js";
import { readPaymentSecrets } from "./edge/payment-signature.js";
import { runDefinitions } from "./host/call-runner.js";
import { BadConfig, type Config, eventsNamed } from "./host/config.js";
import { loadDefinitions } from "./host/definitions-file.js";
import { type EngineHost, openEngineHost } from "./host/engine-host.js";
import { engineMetrics } from "./host/engine-metrics.js";
import { filesForConnections } from "./host/machine.js";
import { renderMetrics } from "./host/metrics.js";
import { checkHost, checkPort } from "./host/port.js";
import { eventFileProblem } from "./outlets/event-file.js";
import type { OutletSetup } from "./outlets/outlet.js";
import { openSocketServer, type SocketServer } from "./socket-server.js";

export interface RunningServer {
  readonly address: string;
  readonly host: EngineHost;
  /** Refuses what is new, finishes what was taken, closes everything. */
  stop(): Promise<void>;
}

/** The settings, and what is said for one start only. */
export interface StartConfig extends Config {
  /** Start although the log is ahead of the wall clock. */
  readonly acceptClock?: boolean;
}

/** A line for the operator's log. `warn`: somebody should look. `error`: a defect. Left out: `info`. */
export type Say = (line: string, level?: "info" | "warn" | "error") => void;

/** That and what is worse is logged. */
export type LogLevel = Config["logLevel"];

export interface ServerHooks {
  readonly say: Say;
  /** The engine has stopped for good: end the process, non-zero. */
  readonly failed: (error: unknown) => void;
}

const megabyte = 1024 * 1024;
const drainMs = 10_000;

/** Throws what `openEngineHost` and `openSocketServer` throw. */
export async function startServer(config: StartConfig, { say, failed }: ServerHooks): Promise<RunningServer> {
  checkHost(config.host);
  await checkPort(config.host, config.port);
  const problem = config.eventLog === "" ? undefined : eventFileProblem(config.eventLog);
  if (problem !== undefined) throw new BadConfig(`--event-log ${config.eventLog}: ${problem}`);
  const definitions = await loadDefinitions(config.definitions);
  const host = await openEngineHost({
    folder: config.data,
    shards: config.shards,
    settings: { ...defaultSettings, ...settingsOf(config) },
    segmentBytes: config.segmentMb * megabyte,
    snapshotBytes: config.snapshotMb * megabyte,
    prove: config.prove,
    readSide: config.readSide === "on",
    diskFreeBytes: config.diskFreeMb * megabyte,
    outlets: outletsOf(config),
    definitions: runDefinitions(definitions, config.callTimeoutMs),
    acceptClock: config.acceptClock ?? false,
    alert: (line) => say(line, "warn"),
    progress: (line) => say(line),
    failed,
  });
  const onDefect = (defect: unknown) => say(`defect at the edge: ${describe(defect)}`, "error");
  let server: SocketServer | undefined;
  try {
    server = await openSocketServer({
      host: config.host,
      port: config.port,
      engine: host,
      filesForConnections: filesForConnections(host.shards),
      paymentSecrets: readPaymentSecrets(config.paymentSecret) ?? new Map(),
      onUnnamedSignature: sayOnce((provider) => say(unnamedSignature(provider), "warn")),
      ready: () => !host.hasFailed(),
      clockAheadMs: () => host.clockAheadMs(),
      metrics: () => renderMetrics(engineMetrics(host, server), onDefect),
      onDefect,
    });
  } catch (error) {
    // The engine's threads and timers would keep the process from ending.
    await host.stop();
    throw error;
  }
  return {
    address: `http://${config.host.includes(":") ? `[${config.host}]` : config.host}:${server.port}`,
    host,
    async stop() {
      const unanswered = await server.drain(drainMs);
      if (unanswered > 0) say(`${unanswered} requests were not answered within ${drainMs} ms`, "warn");
      server.close();
      await host.stop();
    },
  };
}

function settingsOf(config: Config) {
  const { graceMs, payWithinMs, autoConfirmMs, afterSaleMs, pointsGrantOn, latePayment } = config;
  const { keysMax, keysKeepMs } = config;
  return {
    graceMs,
    payWithinMs,
    autoConfirmMs,
    afterSaleMs,
    pointsGrantOn,
    latePayment,
    keysMax,
    keysKeepMs,
  };
}

function outletsOf(config: Config): OutletSetup[] {
  const outlets: OutletSetup[] = [];
  const from = config.outletsFrom;
  if (config.webhookUrl !== "") {
    outlets.push({
      kind: "webhook",
      name: "webhook",
      url: config.webhookUrl,
      secret: config.webhookSecret || undefined,
      events: eventsNamed(config.webhookEvents),
      attemptsMax: config.webhookAttempts,
      batchMax: config.webhookBatch,
      from,
    });
  }
  if (config.eventLog !== "") {
    outlets.push({
      kind: "file",
      name: "event-log",
      file: config.eventLog,
      bytesMax: config.eventLogMb * megabyte,
      events: eventsNamed(config.eventLogEvents),
      from,
    });
  }
  return outlets;
}

function unnamedSignature(provider: string): string {
  return `${provider} signs its notifications as v1, without its name: that is taken for one more version (HTTP.md: v2)`;
}

/** Once for each provider: there are few of them, those with a secret. */
function sayOnce(say: (provider: string) => void): (provider: string) => void {
  const said = new Set<string>();
  return (provider) => {
    if (said.has(provider)) return;
    said.add(provider);
    say(provider);
  };
}

function describe(defect: unknown): string {
  return defect instanceof Error ? (defect.stack ?? defect.message) : String(defect);
}
