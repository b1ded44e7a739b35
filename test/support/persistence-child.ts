/**
 * A process that appends to a log until it is killed, ends or fails, and prints what it was promised.
 *
 *   node persistence-child.js FOLDER SEGMENT_BYTES BODY_BYTES [GROUPS: then exits without closing the journal]
 *
 * Prints "open POSITION", then each durable position on a line; on a failed append "failed NAME: MESSAGE", then what a
 * second append does, and exits 3.
 */

import { writeSync } from "node:fs";
import { openSqliteJournal } from "../../persistence/log/sqlite-journal.js";
import { testIdentity } from "./test-identity.js";

const [, , folder = "", segmentBytes, bodyBytes, groupsMax = "Infinity"] = process.argv;
const say = (line: string) => void writeSync(1, `${line}\n`);

const journal = openSqliteJournal({ folder, identity: testIdentity, segmentBytes: Number(segmentBytes) });
say(`open ${journal.durable}`);
journal.onDurable = (position) => say(String(position));

function append(): void {
  const first = journal.appended + 1;
  journal.append({ first, last: first + 1, body: Buffer.alloc(Number(bodyBytes), first) });
}

function appendMany(): void {
  try {
    for (let i = 0; i < 20; i++) {
      if (journal.appended / 2 >= Number(groupsMax)) process.exit(0);
      append();
    }
  } catch (error) {
    say(`failed ${String(error)}`);
    try {
      append();
      say("second append succeeded");
    } catch (again) {
      say(again === error ? "again the same" : `again ${String(again)}`);
    }
    journal.close();
    process.exit(3);
  }
  setImmediate(appendMany);
}

appendMany();
