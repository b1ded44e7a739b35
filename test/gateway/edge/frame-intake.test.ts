import { expect, test } from "vitest";
import {
  intakeBytesMax,
  intakeMsPerTurn,
  intakesBytesMax,
  smallFrameBytes,
  smallMsPerTurn,
} from "../../../engine/seams/limits.js";
import { FrameIntake, type Sender } from "../../../gateway/edge/frame-intake.js";

interface Named extends Sender {
  readonly name: string;
}

const sender = (name: string): Named => ({ name, waitingBytes: 0 });
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Each frame takes as long as it says, in ms. */
function intake() {
  const read: string[] = [];
  const parts = new Map<string, number>();
  let nowMs = 0;
  const take = (name: string, n: number | string, ms: number) => {
    read.push(`${name}${n}`);
    nowMs += ms;
    parts.set(name, parts.get(name)! - 1);
    return parts.get(name)! > 0;
  };
  const frames = new FrameIntake<Named>(
    {
      read: ({ name }, [n = 0, ms = 0, more = 1]) => {
        parts.set(name, more);
        return take(name, n, ms);
      },
      resume: ({ name }) => take(name, "+", intakeMsPerTurn + 1),
    },
    () => nowMs,
  );
  return { read, frames };
}

/** `parts` more than 1: the reader stops so often before it is at its end. */
const frame = (n: number, ms = 0, parts = 1) => Uint8Array.of(n, ms, parts);

test("a frame is read as it comes while there is time for it", () => {
  const { read, frames } = intake();
  const ann = sender("ann");
  for (let n = 1; n <= 3; n++) frames.receive(ann, frame(n), false);
  expect(read).toEqual(["ann1", "ann2", "ann3"]);
});

test("FRAME-INTAKE-2: when the time is over the rest waits, and who sends one frame is read before who sends many", async () => {
  const { read, frames } = intake();
  const rude = sender("rude");
  for (let n = 1; n <= 9; n++) frames.receive(rude, frame(n, intakeMsPerTurn + 1), false);
  // The second is short, and nothing of his waits.
  expect(read).toEqual(["rude1", "rude2"]);
  const quiet = sender("quiet");
  await turn();
  const before = read.length;
  frames.receive(rude, frame(10, intakeMsPerTurn + 1), false);
  frames.receive(rude, frame(11, intakeMsPerTurn + 1), false);
  frames.receive(quiet, frame(1), false);
  await turn();
  await turn();
  expect(read.slice(before, before + 2)).toContain("quiet1");
});

test("FRAME-INTAKE-1: what waits is read in order, from a copy, before what comes after", async () => {
  const { read, frames } = intake();
  const ann = sender("ann");
  const bytes = frame(1, intakeMsPerTurn + 1);
  frames.receive(ann, bytes, false);
  for (let n = 2; n <= 5; n++) {
    bytes[0] = n;
    bytes[1] = 0;
    frames.receive(ann, bytes, false);
  }
  bytes.fill(99);
  await turn();
  expect(read).toEqual(["ann1", "ann2", "ann3", "ann4", "ann5"]);
  expect([ann.waitingBytes, frames.waitingBytes]).toEqual([0, 0]);
});

test("FRAME-INTAKE-3: past its bound a sender is not taken; what waits for one that is gone is forgotten", async () => {
  const { read, frames } = intake();
  const rude = sender("rude");
  frames.receive(rude, frame(1, intakeMsPerTurn + 1), false);
  const large = new Uint8Array(intakeBytesMax / 4 - 1);
  const taken = Array.from({ length: 5 }, () => frames.receive(rude, large, false));
  expect(taken).toEqual([true, true, true, true, false]);
  expect(frames.waitingBytes).toBe(intakeBytesMax);
  frames.drop(rude);
  expect([rude.waitingBytes, frames.waitingBytes]).toEqual([0, 0]);
  await turn();
  expect(read).toEqual(["rude1"]);
});

test("FRAME-INTAKE-3: all senders together have a bound too", () => {
  const { frames } = intake();
  frames.receive(sender("first"), frame(1, intakeMsPerTurn + 1), false);
  const large = new Uint8Array(intakeBytesMax - 1);
  const crowd = Array.from({ length: intakesBytesMax / intakeBytesMax + 1 }, (_, n) => sender(`${n}`));
  const taken = crowd.map((one) => frames.receive(one, large, false));
  expect(taken.indexOf(false)).toBe(crowd.length - 1);
});

test("FRAME-INTAKE-1: a frame that takes many turns is read to its end before the next of its connection, and others come between", async () => {
  const { read, frames } = intake();
  const rude = sender("rude");
  const quiet = sender("quiet");
  frames.receive(rude, frame(1, 0, 4), false);
  frames.receive(rude, frame(2), false);
  frames.receive(quiet, frame(3), false);
  expect(read).toEqual(["rude1", "quiet3"]);
  for (let n = 0; n < 6; n++) await turn();
  expect(read.filter((one) => one !== "quiet3")).toEqual(["rude1", "rude+", "rude+", "rude+", "rude2"]);
  expect(read.indexOf("quiet3")).toBeLessThan(4);
  expect([rude.waitingBytes, frames.waitingBytes]).toEqual([0, 0]);
});

test("FRAME-INTAKE-2: one short frame of each sender who has nothing waiting is read as it comes, while there is time for it", async () => {
  const { read, frames } = intake();
  const [rude, quiet, slow, late] = ["rude", "quiet", "slow", "late"].map(sender) as [
    Named,
    Named,
    Named,
    Named,
  ];
  const long = () => new Uint8Array(smallFrameBytes + 1);
  frames.receive(rude, frame(1, intakeMsPerTurn + 1), false);
  frames.receive(rude, long(), false);
  frames.receive(quiet, frame(1), false);
  expect(read).toEqual(["rude1", "quiet1"]);
  // The second of a turn waits, and so does what comes behind one that waits.
  frames.receive(quiet, frame(2), false);
  frames.receive(quiet, frame(3), false);
  frames.receive(slow, frame(1, smallMsPerTurn + 1), false);
  frames.receive(late, frame(1), false);
  expect(read).toEqual(["rude1", "quiet1", "slow1"]);
  for (let n = 0; n < 4; n++) await turn();
  expect(read.filter((one) => one.startsWith("quiet"))).toEqual(["quiet1", "quiet2", "quiet3"]);
  expect(read).toContain("late1");
  expect([...read].sort()).toEqual(["late1", "quiet1", "quiet2", "quiet3", "rude0", "rude1", "slow1"]);
});
