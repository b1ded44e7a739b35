/**
 * Two ways to speak to the server, behind one function. Both say what they know and nothing else: an answer, or that there
 * was none.
 */

import { WebSocket } from "ws";
import { connect, type Yifen, YifenError } from "../../client/client.js";
import { frameRequestsMax } from "../../client/connection.js";

export type Params = Readonly<Record<string, unknown>>;
export type Body = Readonly<Record<string, unknown>>;

export interface Reply {
  /** Present when the request was done. */
  readonly result?: Body;
  /** Present when it was refused. */
  readonly error?: Refused;
  readonly replayed: boolean;
}

export interface Refused {
  readonly code: string;
  readonly executed: unknown;
  readonly details: unknown;
}

export interface Wire {
  /** Undefined: the connection was lost before there was an answer. */
  ask(method: string, params: Params): Promise<Reply | undefined>;
}

/**
 * Our own client: it connects again and sends again by itself, so every request is answered in the end. What else it may say
 * (a timeout, a lost connection) is handed on like a refusal, which no log will hold.
 */
export async function ownClient(address: string): Promise<{ wire: Wire; yifen: Yifen }> {
  const yifen = await connect(address, { timeoutMs: 60_000, reconnect: { firstMs: 10, capMs: 50 } });
  const calls: Readonly<Record<string, (params: never) => Promise<object>>> = {
    "order.place": yifen.orders.place,
    "order.pay": yifen.orders.pay,
    "order.cancel": yifen.orders.cancel,
    "order.get": ({ order }: { order: string }) => yifen.orders.get(order),
    "order.lookup": yifen.orders.lookup,
    "account.deposit": yifen.accounts.deposit,
    "account.get": ({ account }: { account: string }) => yifen.accounts.get(account),
    "product.restock": yifen.products.restock,
    "product.get": ({ product }: { product: string }) => yifen.products.get(product),
  };
  const wire: Wire = {
    async ask(method, params) {
      try {
        const { replayed = false, ...result } = (await calls[method]!(params as never)) as {
          replayed?: boolean;
        };
        return { result, replayed };
      } catch (error) {
        if (!(error instanceof YifenError)) throw error;
        if (error.code === "closed") return undefined;
        const { code, executed, details, replayed } = error;
        return { error: { code, executed, details }, replayed };
      }
    },
  };
  return { wire, yifen };
}

export interface Push {
  readonly sub: number;
  readonly seq: number;
  readonly type: string;
  readonly data: Body;
}

/** A bare JSON connection that never sends anything twice. All asked in one turn of the event loop goes out together. */
export class RawConnection implements Wire {
  readonly #socket: WebSocket;
  readonly #open = new Map<number, (reply: Reply | undefined) => void>();
  #frame: object[] = [];
  #lastId = 0;
  /** Resolves when nothing can arrive any more. */
  readonly closed: Promise<void>;

  private constructor(socket: WebSocket, onPush: (push: Push) => void) {
    this.#socket = socket;
    socket.on("message", (bytes: Buffer) => {
      const frame: unknown = JSON.parse(bytes.toString());
      for (const item of Array.isArray(frame) ? frame : [frame]) {
        if ("sub" in item && "seq" in item && "type" in item) onPush(item as Push);
        else this.#answered(item as { id: number } & Omit<Reply, "replayed"> & { replayed?: boolean });
      }
    });
    this.closed = new Promise((closed) => {
      socket.on("close", () => {
        for (const lost of this.#open.values()) lost(undefined);
        this.#open.clear();
        closed();
      });
    });
  }

  static open(address: string, onPush: (push: Push) => void = () => {}): Promise<RawConnection> {
    const socket = new WebSocket(`${address.replace("http", "ws")}/v1/ws`, "yifen.json");
    return new Promise((opened, failed) => {
      // From here on a broken connection is a closed one.
      socket.on("error", failed);
      const connection = new RawConnection(socket, onPush);
      socket.on("open", () => opened(connection));
    });
  }

  ask(method: string, params: Params): Promise<Reply | undefined> {
    if (this.#socket.readyState !== WebSocket.OPEN) return Promise.resolve(undefined);
    if (this.#frame.length === 0) setImmediate(() => this.#send());
    const id = ++this.#lastId;
    this.#frame.push({ id, method, params });
    return new Promise((answered) => this.#open.set(id, answered));
  }

  end(): Promise<void> {
    this.#socket.close();
    return this.closed;
  }

  #send(): void {
    const requests = this.#frame;
    this.#frame = [];
    for (let at = 0; at < requests.length; at += frameRequestsMax) {
      this.#socket.send(JSON.stringify(requests.slice(at, at + frameRequestsMax)), () => {});
    }
  }

  #answered({
    id,
    result,
    error,
    replayed = false,
  }: { id: number } & Omit<Reply, "replayed"> & { replayed?: boolean }) {
    const answered = this.#open.get(id);
    if (!answered) throw new Error(`a second answer to request ${id}`);
    this.#open.delete(id);
    if (!error) answered({ result: result!, replayed });
    else {
      const { code, executed, details = {} } = error;
      answered({ error: { code, executed, details }, replayed });
    }
  }
}
