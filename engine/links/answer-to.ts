import type { Requester } from "../seams/requester.js";

/** One question, one answer, shown when it may be. */
export function answerTo(use: (answer: object) => void): Requester {
  let held: object | undefined;
  const keep = (answer: object) => {
    held = structuredClone(answer);
  };
  return {
    order: () => {},
    push: () => {},
    result: (_id, result) => keep(result),
    refused: (_id, refusal) => keep(refusal),
    flush() {
      const answer = held;
      held = undefined;
      if (answer) use(answer);
    },
  };
}
