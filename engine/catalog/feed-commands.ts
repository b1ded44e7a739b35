/** Subscribing to a topic, from now on or from a number that was seen before. */

import { isShardTopic, shardTopic } from "../../actors/events.js";
import { refuse } from "../../actors/results.js";
import { completeFrom, isIncomplete } from "../links/feed-place.js";
import type { Subscribe, Unsubscribe } from "../seams/commands.js";
import {
  connectionSubscriptionsMax,
  retryAfterMs,
  subscriptionsMax,
  topicSubscriptionsMax,
} from "../seams/limits.js";
import { answerRefusal, answerResult } from "../turns/answers.js";
import type { Turn } from "../turns/turn.js";

/** Told to whoever meets one. */
const subscriptionBounds = {
  shard: { subscriptionsMax },
  connection: { connectionSubscriptionsMax },
  topic: { topicSubscriptionsMax },
} as const;

export function subscribe(turn: Turn, command: Subscribe): void {
  const { feed, books } = turn;
  if (isShardTopic(command.topic) && command.topic !== shardTopic(turn.shard)) {
    const details = { path: "params.topic", reason: "there is no such shard", shards: turn.shards };
    answerRefusal(turn, command, refuse("invalid_request", details));
    return;
  }
  const from = command.from ?? books.position + 1;
  if (from > books.position + 1) {
    const details = { path: "params.from", reason: "the log is not that long", seq: books.position };
    answerRefusal(turn, command, refuse("invalid_request", details));
    return;
  }
  if (isIncomplete(books, command.topic, from, from)) {
    answerRefusal(turn, command, refuse("seq_too_old", { completeFrom: completeFrom(books, command.topic) }));
    return;
  }
  const bound = feed.boundOf(command.requester, command.topic);
  if (bound !== undefined) {
    answerRefusal(turn, command, refuse("overloaded", { retryAfterMs, ...subscriptionBounds[bound] }));
  } else {
    const sub = feed.subscribe(
      command.requester,
      command.topic,
      from,
      books.position,
      turn.shard,
      turn.shards,
    );
    answerResult(turn, command, { sub, seq: books.position });
  }
}

export function unsubscribe(turn: Turn, command: Unsubscribe): void {
  const { sub } = command;
  if (turn.feed.unsubscribe(command.requester, sub)) answerResult(turn, command, { sub });
  else
    answerRefusal(
      turn,
      command,
      refuse("invalid_request", { path: "params.sub", reason: "no such subscription" }),
    );
}
