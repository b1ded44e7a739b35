/** Whose logs the tests write that have no engine. */

import type { LogIdentity } from "../../persistence/log/identity.js";

export const testIdentity: LogIdentity = { engine: "00112233445566778899aabbccddeeff", shard: 0, shards: 1 };
