/**
 * Whether an address and a port may and can be listened on, and what stands against it. Asked before the recovery, which may take minutes, and once
 * more just before uWebSockets.js listens, which does not say why it could not.
 */

import { createServer } from "node:net";
import { isLoopback } from "../edge/loopback.js";

/** The configuration would open the engine to strangers. */
export class UnsafeHost extends Error {
  override readonly name = "UnsafeHost";
}

/** Throws `UnsafeHost`. */
export function checkHost(host: string): void {
  if (isLoopback(host)) return;
  throw new UnsafeHost(
    `host ${host} is not a loopback address, and without authentication only those are allowed`,
  );
}

interface Reason {
  readonly says: (host: string, port: number) => string;
  readonly advice: string;
}

const anotherPort = "choose another --port, or 0 for a free one";
const anotherHost = "choose another --host";

const reasons: Readonly<Record<string, Reason>> = {
  EADDRINUSE: {
    says: (host, port) => `another program listens on it (${host}:${port} is in use)`,
    advice: `stop that program, or ${anotherPort}`,
  },
  EACCES: {
    says: (_, port) => `this user is not permitted to listen on port ${port}`,
    advice: anotherPort,
  },
  EADDRNOTAVAIL: { says: (host) => `${host} is not available on this machine`, advice: anotherHost },
  EAFNOSUPPORT: {
    says: (host) => `this machine does not speak the protocol of ${host}`,
    advice: anotherHost,
  },
  ENOTFOUND: { says: (host) => `${host} is no address`, advice: anotherHost },
  EAI_AGAIN: { says: (host) => `nobody knows the address of ${host} now`, advice: anotherHost },
  EMFILE: { says: () => "this process has no file descriptor left", advice: "raise `ulimit -n`" },
};
const sameAs: Readonly<Record<string, string>> = {
  EPERM: "EACCES",
  EAI_NODATA: "ENOTFOUND",
  ENFILE: "EMFILE",
};

/** The port cannot be listened on. The message says why. */
export class ListenFailed extends Error {
  override readonly name = "ListenFailed";
  readonly advice: string;

  /** `code`: the system's. */
  constructor(host: string, port: number, code: string | undefined) {
    const reason = reasons[sameAs[code ?? ""] ?? code ?? ""];
    const why = reason?.says(host, port) ?? code ?? "the system does not say why";
    super(`cannot listen on ${host}:${port}: ${why}`);
    this.advice = reason?.advice ?? anotherPort;
  }
}

/** Listens for a moment. Rejects with `ListenFailed`. */
export function checkPort(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    // Nobody is served: a client that came in this moment comes again.
    const probe = createServer((socket) => socket.resetAndDestroy());
    probe.once("error", ({ code }: NodeJS.ErrnoException) => reject(new ListenFailed(host, port, code)));
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve()));
  });
}
