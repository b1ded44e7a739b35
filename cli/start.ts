/** `yifen start`: serves until SIGTERM or SIGINT. */

import type { Command } from "commander";
import { Option } from "commander";
import {
  describeConfig,
  environmentName,
  type OriginatedConfig,
  readConfig,
  type SettingName,
  settingsTable,
  shown,
  unknownVariables,
} from "../gateway/host/config.js";
import type { Say, StartConfig } from "../gateway/server.js";
import { exitCodes, fail } from "./fail.js";

/** Flags that are no settings: they are of this start alone. */
interface StartFlags {
  readonly config?: string;
  readonly json?: boolean;
  readonly acceptClock?: boolean;
}

export function addStart(program: Command): void {
  const start = program
    .command("start")
    .description("serve orders over WebSocket, until SIGTERM")
    .option("--config <FILE>", "settings in a JSON file")
    .option(
      "--accept-clock",
      "start although the log is more than a minute ahead of the clock; time goes on from the log's",
    )
    .option("--json", "one JSON document when it listens, or when it cannot; the log goes to standard error");
  for (const [name, setting] of Object.entries(settingsTable)) {
    const { flag, value, fallback, about } = setting;
    const variable = environmentName(name as SettingName);
    const option = new Option(
      `${flag} <${value}>`,
      `${about} (${variable}, default ${shown(name as SettingName, fallback)})`,
    );
    if ("pairs" in setting) option.argParser(joined);
    start.addOption(option);
  }
  start.action(async (flags: Record<string, string> & StartFlags) => {
    const { config: file, json, acceptClock = false, ...given } = flags;
    const found = readConfig(given as Partial<Record<SettingName, string>>, process.env, file);
    const { openLog } = await import("./log.js");
    const output = json ? process.stderr : process.stdout;
    const log = openLog(output, found.config.logLevel);
    // With --json standard output has the one document, and what is said besides is logged.
    const say = json ? (line: string) => log(line) : (line: string) => console.log(line);
    if (!json) for (const line of describeConfig(found)) say(line);
    for (const line of unknownVariables(process.env)) log(line, "warn");
    await serve({ ...found.config, acceptClock }, { log, say }, (address) => {
      const message = `listening on ${address}`;
      if (json) console.log(JSON.stringify({ ok: true, message, address, settings: settingsShown(found) }));
      else say(message);
    });
  });
}

function settingsShown({ config, origins }: OriginatedConfig): object {
  const names = Object.keys(config) as SettingName[];
  return Object.fromEntries(
    names.map((name) => [name, { value: shown(name, config[name]), origin: origins[name] }]),
  );
}

/** A flag that was given more than once. */
function joined(given: string, before: string | undefined): string {
  return before === undefined ? given : `${before},${given}`;
}

async function serve(
  config: StartConfig,
  { log, say }: { log: Say; say: (line: string) => void },
  listens: (address: string) => void,
): Promise<void> {
  const { startServer } = await import("../gateway/server.js");
  const server = await startServer(config, {
    say: log,
    failed(error) {
      // At once and without a drain: what is in memory may be ahead of the disk.
      process.exit(fail(error));
    },
  });
  // Before anybody is told that it listens: whoever knows may already want it to stop.
  const stopping = signaled();
  listens(server.address);
  say(`${await stopping}: draining`);
  await server.stop();
  say("stopped, everything is on disk");
  process.exitCode = exitCodes.done;
}

/** A second signal while draining ends the process at once: what was answered is on disk at any moment. */
function signaled(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, resolve);
  });
}
