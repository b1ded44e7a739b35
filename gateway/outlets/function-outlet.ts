/** Events to a function of the program that embeds the engine. */

import { type FunctionSetup, type Outlet, wantsType } from "./outlet.js";

const attemptsDefault = 10;
const timeoutMsDefault = 30_000;

export function functionOutlet(setup: FunctionSetup): Outlet {
  return {
    name: setup.name,
    batchMax: 1,
    attemptsMax: setup.attemptsMax ?? attemptsDefault,
    timeoutMs: setup.timeoutMs ?? timeoutMsDefault,
    wants: wantsType(setup.events),
    async deliver(events, signal) {
      for (const event of events) await setup.deliver(event, signal);
    },
    close: () => Promise.resolve(),
  };
}
