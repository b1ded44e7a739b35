/**
 * Where the WebSocket class comes from: the platform's own in a browser and in Node 22 and later, the package
 * `ws` in Node 20. Only what both have is used.
 */

export interface Socket {
  binaryType: string;
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onerror: ((event: unknown) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  send(frame: string | Uint8Array): void;
  close(code?: number, reason?: string): void;
  /** Drops it without the closing handshake. Only the package `ws` has it. */
  terminate?(): void;
}

export type SocketClass = new (url: string, subprotocols: string[]) => Socket;

export async function platformSocket(): Promise<SocketClass> {
  const own = (globalThis as { WebSocket?: SocketClass }).WebSocket;
  if (own) return own;
  const { WebSocket } = await import("ws");
  return WebSocket as unknown as SocketClass;
}

/**
 * The WebSocket address of a server: `http` and `https` become `ws` and `wss`, and an address without a path
 * gets the server's own, `/v1/ws`. Throws `TypeError` on what is not an address.
 */
export function socketUrl(address: string): string {
  const url = new URL(address);
  if (url.protocol === "http:") url.protocol = "ws:";
  else if (url.protocol === "https:") url.protocol = "wss:";
  else if (url.protocol !== "ws:" && url.protocol !== "wss:") {
    throw new TypeError(`not a ws or http address: ${address}`);
  }
  if (url.pathname === "/") url.pathname = "/v1/ws";
  url.hash = "";
  return url.href;
}
