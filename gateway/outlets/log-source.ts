/** Where a delivery's groups come from. */

import type { Journal } from "../../persistence/log/journal.js";
import { LogReader } from "../../persistence/log/log-reader.js";
import type { NamedGroup } from "../../persistence/outlets/outlet-names.js";
import type { OutletSource } from "./delivery.js";

/** The log on disk, read beside the engine. */
export function fileSource(shard: number, folder: string): OutletSource {
  let reader: LogReader | undefined;
  const close = () => {
    reader?.close();
    reader = undefined;
  };
  return {
    shard,
    readAfter(position, maxBytes) {
      reader ??= new LogReader(folder);
      try {
        return reader.readAfter(position, maxBytes);
      } catch (error) {
        // The next attempt begins with a fresh connection.
        close();
        throw error;
      }
    },
    close,
  };
}

/** The log that this process writes, on disk: looks there only when there is something new. */
export function ownSource(shard: number, folder: string, journal: Journal): OutletSource {
  const { readAfter, close } = fileSource(shard, folder);
  return {
    shard,
    readAfter: (position, maxBytes) => (journal.durable > position ? readAfter(position, maxBytes) : []),
    close,
  };
}

/** A journal in memory. */
export function journalSource(shard: number, journal: Journal): OutletSource {
  return {
    shard,
    readAfter(position, maxBytes) {
      const groups: NamedGroup[] = [];
      let bytes = 0;
      for (const group of journal.read(position + 1)) {
        groups.push(group);
        bytes += group.body.length;
        if (bytes >= maxBytes) break;
      }
      return groups;
    },
    close() {},
  };
}
