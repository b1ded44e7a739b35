/** Providers for tests: every refund that they are asked for is written down and answered when, and as, the test says. */

import type { CallReport, OutCall, OutCalls } from "../../engine/links/call-dispatcher.js";

export interface AskedCall {
  readonly call: OutCall;
  readonly report: (report: CallReport) => void;
}

export interface Providers extends OutCalls {
  /** Calls in the order in which they were made, repeated ones included. */
  readonly asked: AskedCall[];
}

/** `answer`: what every call is answered at once; absent: nothing until the test reports. */
export function providers(names: readonly string[], answer?: CallReport): Providers {
  const asked: AskedCall[] = [];
  return {
    asked,
    knows: (name) => names.includes(name),
    call(call, report) {
      asked.push({ call, report });
      if (answer) report(answer);
    },
  };
}
