/** The client's types of codes and events, held to the engine's tables: what stands on one side only does not compile. */

import { expect, test } from "vitest";
import { type EventType as EngineEventType, eventTypes } from "../../actors/events.js";
import { type Code, refuse, results } from "../../actors/results.js";
import type { DetailsOf, EngineCode, ErrorCode, EventType } from "../../client/client.js";
import { YifenError } from "../../client/client.js";

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
const codes: Same<EngineCode, Code> = true;
const events: Same<EventType, EngineEventType> = true;
const details: Same<keyof DetailsOf, ErrorCode> = true;

test("every code and every type of event of the engine has its type in the client", () => {
  expect([codes, events, details]).toEqual([true, true, true]);
  expect(new Set(results.map(({ code }) => code satisfies EngineCode)).size).toBe(results.length);
  expect(new Set(eventTypes.map((type) => type satisfies EventType)).size).toBe(eventTypes.length);
});

test("an error that is of a code has that code's details, typed", () => {
  const refusal = refuse("insufficient_stock", { available: 3 });
  const error = new YifenError({ ...refusal, message: "", executed: false, retryable: false });
  if (!error.is("insufficient_stock")) throw error;
  const available: number | undefined = error.details.available;
  expect(available).toBe(3);
  expect(error.is("insufficient_funds")).toBe(false);
  // @ts-expect-error: a code that does not exist
  expect(error.code === "insufficient_stck").toBe(false);
});
