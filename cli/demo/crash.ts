/** kill -9 under load, and how long nobody was answered. */

import type { Yifen } from "../../client/client.js";
import type { Receipts } from "./receipts.js";
import type { ServerProcess } from "./server-process.js";

/** Times as of `performance.now`. */
export interface Outage {
  /** The signal that ended the process, as the system reports it. */
  readonly signal: string | null;
  readonly killedAt: number;
  /** When the first connection had an answer again. */
  readonly answeredAt: number;
  /** When all had. */
  readonly backAt: number;
  /** Requests without an answer when the process was gone. */
  readonly unanswered: number;
}

export async function crash(
  server: ServerProcess,
  connections: readonly Yifen[],
  receipts: Receipts,
  say: (what: string) => void,
): Promise<Outage> {
  const { pid } = server;
  say(`kill -9 of the server (process ${pid}) under load`);
  const killedAt = performance.now();
  const signal = await server.kill();
  const unanswered = receipts.open;
  say(`process ${pid} is gone, ${unanswered} requests have no answer; recovering from the log`);
  // Asked only now, so that no answer can be the dead process's. The client asks again until somebody is there.
  const pings = connections.map((yifen) => yifen.ping({ timeoutMs: pingWithinMs }));
  const [, answeredAt, backAt] = await Promise.all([
    server.start(),
    Promise.any(pings).then(() => performance.now()),
    Promise.all(pings).then(() => performance.now()),
  ]);
  const recoveredMs = Math.round(answeredAt - killedAt);
  say(`recovered in ${recoveredMs} ms (process ${server.pid}), buyers send the same keys again`);
  return { signal, killedAt, answeredAt, backAt, unanswered };
}

const pingWithinMs = 60_000;
