/** A client of the running engine at `--url`, for as long as a command needs one. */

import type { Yifen } from "../client/client.js";
import { BadConfig } from "../gateway/host/config.js";

/** An engine that is there answers at once. */
const openWithinMs = 3000;

export async function withEngine<T>(url: string, work: (yifen: Yifen) => Promise<T>): Promise<T> {
  const { connect } = await import("../client/client.js");
  const yifen = await connect(url, { openWithinMs }).catch((error: unknown) => {
    // The client calls what is no address a programmer's error; here it is what somebody typed.
    if (error instanceof TypeError)
      throw new BadConfig(`--url ${url}: not an address like http://127.0.0.1:8080`);
    throw error;
  });
  try {
    return await work(yifen);
  } finally {
    await yifen.close();
  }
}
