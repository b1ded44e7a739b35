/**
 * A port for a server that will be killed and must come back on the same one at once.
 *
 * Not one that the system picks (`--port 0`): what is left of its connections keeps such a port busy for a minute after
 * a kill. And not one of the range that the system gives to outgoing connections: a client that tries again and again
 * while nobody listens would sooner or later be given that very port for itself, and be connected to itself.
 */

import { createServer } from "node:net";

/** Below 32,768, where Linux's range for outgoing connections begins; other systems' begin higher. */
const portMin = 20_000;
const ports = 10_000;
const triesMax = 50;

/** Free at this moment on 127.0.0.1. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < triesMax; tries++) {
    const port = portMin + Math.floor(Math.random() * ports);
    if (await isFree(port)) return port;
  }
  throw new Error(`found no free port between ${portMin} and ${portMin + ports} in ${triesMax} tries`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen({ port, host: "127.0.0.1", exclusive: true }, () => probe.close(() => resolve(true)));
  });
}
