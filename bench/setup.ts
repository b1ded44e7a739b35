/** Fills a shop over the socket: products, and accounts with money, in frames of 1,000 requests. */

import type { Socket } from "node:net";
import { Packr } from "msgpackr";
import { readAnswers } from "./answers.js";
import { MeasurementFailed } from "./measurement-failed.js";
import { accountId, productId } from "./order-frames.js";
import { closeWire, frameHeaderBytes, openWire, writeFrameHeader } from "./websocket-wire.js";

export interface Shop {
  readonly products: number;
  readonly accounts: number;
  /** Products after those, with few units, for flash sales. */
  readonly flashSales: number;
  readonly flashStock: number;
}

/** Units of a product that must not run out, money of an account that must not either; a unit costs 1.00. */
export const plentyOfStock = 1_000_000_000;
export const plentyOfMoney = "1000000000.00";

interface Request {
  readonly id: number;
  readonly method: string;
  readonly params: object;
}

const perFrame = 1000;
const framesInFlight = 4;
const codec = new Packr({ useRecords: false });

export async function fillShop(port: number, shop: Shop): Promise<void> {
  await sendAll(port, requestsOf(shop));
}

function* requestsOf(shop: Shop): Iterable<Omit<Request, "id">> {
  for (let n = 1; n <= shop.products + shop.flashSales; n++) {
    const stock = n <= shop.products ? plentyOfStock : shop.flashStock;
    const params = { product: productId(n), name: `Product ${n}`, price: "1.00", currency: "CNY", stock };
    yield { method: "product.create", params };
  }
  for (let n = 1; n <= shop.accounts; n++) {
    const account = accountId(n);
    yield { method: "account.open", params: { account, currency: "CNY" } };
    yield { method: "account.deposit", params: { account, amount: plentyOfMoney, ref: "start" } };
  }
}

function sendAll(port: number, requests: Iterable<Omit<Request, "id">>): Promise<void> {
  const source = requests[Symbol.iterator]();
  return new Promise((resolve, reject) => {
    let socket: Socket | undefined;
    let open = 0;
    let done = false;
    const sink = {
      answered(_id: number, status: number) {
        if (status !== 200) reject(new MeasurementFailed(`the shop could not be filled: status ${status}`));
        open--;
      },
    };
    const more = () => {
      if (!socket) return;
      while (!done && open <= perFrame * (framesInFlight - 1)) {
        const frame = nextFrame(source);
        done = frame.length < perFrame;
        open += frame.length;
        if (frame.length > 0) socket.write(encode(frame));
      }
      if (!done || open > 0) return;
      closeWire(socket);
      resolve();
    };
    const handler = {
      message: (bytes: Uint8Array, start: number, end: number) => readAnswers(bytes, start, end, sink),
      readDone: more,
      drained: () => {},
      closed: (reason: string) => reject(new MeasurementFailed(`the shop could not be filled: ${reason}`)),
    };
    openWire({ host: "127.0.0.1", port, path: "/v1/ws", subprotocol: "yifen.msgpack" }, handler).then(
      (opened) => {
        socket = opened;
        more();
      },
      reject,
    );
  });
}

function nextFrame(source: Iterator<Omit<Request, "id">>): Request[] {
  const frame: Request[] = [];
  while (frame.length < perFrame) {
    const next = source.next();
    if (next.done) break;
    frame.push({ id: frame.length, ...next.value });
  }
  return frame;
}

function encode(requests: readonly Request[]): Buffer {
  const payload = codec.pack(requests);
  const header = frameHeaderBytes(payload.length);
  const frame = Buffer.allocUnsafe(header + payload.length);
  writeFrameHeader(frame, 0, payload.length);
  payload.copy(frame, header);
  return frame;
}
