/**
 * The log of a server: what happens while it runs, as lines of JSON with their time and level (pino), on a terminal as lines to
 * read. What the command itself answers, its settings and its address, is no log and goes past it.
 */

import type { WriteStream } from "node:tty";
import { pino } from "pino";
import type { LogLevel, Say } from "../gateway/server.js";

type Output = Pick<WriteStream, "write"> & { readonly isTTY?: boolean };

export function openLog(output: Output, level: LogLevel): Say {
  const options = {
    level,
    // Neither the process nor the machine: whoever collects lines of several knows where each came from.
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  const log = pino(options, output.isTTY === true ? readable(output) : output);
  return (line, as = "info") => log[as](line);
}

/** `09:30:01.123 warn   webhook: ...` */
function readable(output: Output): { write(record: string): void } {
  return {
    write(record) {
      const { time, level, msg } = JSON.parse(record) as { time: string; level: string; msg: string };
      output.write(`${time.slice(11, 23)} ${level.padEnd(5)}  ${msg}\n`);
    },
  };
}
