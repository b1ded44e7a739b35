/** What a coordinator does next, as the rules of TCC and saga say it. */

import type { FenceCall } from "../tcc/fence.js";

export type NextStep =
  | { readonly step: "begin"; readonly part: number; readonly call: FenceCall }
  /** `part`: because of which it is undone. */
  | { readonly step: "decide"; readonly how: "done" | "undone"; readonly part?: number }
  | { readonly step: "end"; readonly part: number; readonly call: FenceCall }
  | { readonly step: "settle"; readonly part: number; readonly how: number }
  | { readonly step: "finish" };
