/** Progress of long work, on standard error, at most twice a second; a terminal gets one line that is rewritten. */

export interface Progress {
  at(count: number, unit: string): void;
  done(): void;
}

const everyMs = 500;

export function startProgress(label: string): Progress {
  const { isTTY } = process.stderr;
  const started = performance.now();
  let last = started;
  let shown = false;
  return {
    at(count, unit) {
      const now = performance.now();
      if (now - last < everyMs) return;
      last = now;
      shown = true;
      const perSecond = Math.round((count / (now - started)) * 1000);
      const line = `${label}: ${count.toLocaleString("en")} ${unit}, ${perSecond.toLocaleString("en")}/s`;
      process.stderr.write(isTTY ? `\r\x1b[K${line}` : `${line}\n`);
    },
    done() {
      if (shown && isTTY) process.stderr.write("\r\x1b[K");
    },
  };
}
