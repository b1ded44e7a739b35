import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  beginClock,
  type ClockState,
  followClock,
  startClock,
  type TimeSource,
} from "../../../engine/seams/clock.js";

const second = 1_000_000;
const hour = 3600 * second;
const day = 24 * hour;
const ten = 3652 * day;
/** Where both clocks stand when a case begins. */
const wall = 1_767_225_600 * second;
const steady = 5_000 * second;

type Read = Pick<ClockState, "micros" | "aheadMicros" | "jumpedMicros">;
const read = (micros: number, aheadMicros = 0, jumpedMicros = 0): Read => ({
  micros,
  aheadMicros,
  jumpedMicros,
});

describe("a start, on a log that ends so far from the wall clock", () => {
  test.each<[string, number, Read]>([
    ["no log", 0, read(wall)],
    ["it ended just now", wall, read(wall)],
    ["a minute ago: a restart", wall - 60 * second, read(wall)],
    ["an hour ago: nobody knows whether that was an hour", wall - hour, read(wall, 0, hour)],
    ["two days ago", wall - 2 * day, read(wall, 0, 2 * day)],
    ["a second ahead", wall + second, read(wall + second, second)],
    ["ten years ahead, and accepted", wall + ten, read(wall + ten, ten)],
  ])("%s", (_, log, expected) => {
    expect(beginClock(log, wall, steady)).toEqual({ ...expected, steadyMicros: steady });
  });
});

/** From engine time = wall + ahead: the wall clock moves by so much, the steady one by so much. */
describe("CLOCK-1, CLOCK-2, CLOCK-3, CLOCK-4: the next reading", () => {
  test.each<[string, number, number, number, Read]>([
    ["nothing has passed", 0, 0, 0, read(wall)],
    ["a second has passed", 0, second, second, read(wall + second)],
    ["the wall clock runs a little faster", 0, second + 400, second, read(wall + second + 400)],
    [
      "forward by 2 h: followed at once, and counted",
      0,
      2 * hour,
      10,
      read(wall + 2 * hour, 0, 2 * hour - 10),
    ],
    ["forward by a second: followed, no jump", 0, second, 10, read(wall + second)],
    [
      "back by 2 h: time goes on, a thousandth slower",
      0,
      -2 * hour,
      second,
      read(wall + second - 1000, second - 1000 + 2 * hour),
    ],
    ["back by a day, nothing passed", 0, -day, 0, read(wall, day)],
    [
      "ahead by ten years: a second is a second",
      ten,
      second,
      second,
      read(wall + ten + second - 1000, ten - 1000),
    ],
    ["ahead by 300 us, a second later: they have met", 300, second, second, read(wall + second)],
    [
      "ahead by an hour, forward by half of it: nothing is skipped",
      hour,
      hour / 2,
      second,
      read(wall + hour + second - 1000, hour / 2 + second - 1000),
    ],
    [
      "ahead by an hour, forward by three: the rest is skipped",
      hour,
      3 * hour,
      0,
      read(wall + 3 * hour, 0, 2 * hour),
    ],
    ["a steady clock that is broken stands still at most", 0, 0, -second, read(wall)],
  ])("%s", (_, ahead, wallBy, steadyBy, expected) => {
    const before = beginClock(wall + ahead, wall, steady);
    expect(followClock(before, wall + wallBy, steady + steadyBy)).toEqual({
      ...expected,
      steadyMicros: steady + steadyBy,
    });
  });
});

test("CLOCK-1, CLOCK-2, CLOCK-3, CLOCK-4: whatever a wall clock does: never back, never behind it, and never slower than a thousandth", () => {
  const step = fc.record({
    passed: fc.nat(10 * second),
    moved: fc.oneof(fc.constant(0), fc.integer({ min: -ten, max: ten })),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: -ten, max: ten }), (steps, logBy) => {
      let state = beginClock(wall + logBy, wall, steady);
      let at = wall;
      let skipped = state.jumpedMicros;
      for (const { passed, moved } of steps) {
        const before = state;
        at += passed + moved;
        state = followClock(before, at, before.steadyMicros + passed);
        const went = state.micros - before.micros;
        expect(Number.isInteger(state.micros)).toBe(true);
        expect(went).toBeGreaterThanOrEqual(passed - Math.round(passed / 1000));
        expect(state.micros).toBeGreaterThanOrEqual(at);
        expect(state.aheadMicros).toBe(state.micros - at);
        if (went > passed + 60 * second) skipped += went - passed;
        expect(state.jumpedMicros).toBe(skipped);
      }
    }),
  );
});

test("CLOCK-3: a clock that is set back again and again does not leave engine time ever further ahead", () => {
  // 0.4 s an hour too fast, and set right every hour: 36 s of it in 90 hours.
  let state = beginClock(0, wall, steady);
  let at = wall;
  for (let h = 0; h < 90; h++) {
    for (let s = 0; s < 3600; s += 60) {
      at += 60 * second;
      state = followClock(state, at, state.steadyMicros + 60 * second);
    }
    at -= 0.4 * second;
    state = followClock(state, at, state.steadyMicros);
    expect(state.aheadMicros).toBeLessThanOrEqual(0.4 * second);
  }
});

test("a running clock reads the wall clock once in a millisecond, and shows every microsecond in between", () => {
  let steadyNow = 100;
  let looks = 0;
  const source: TimeSource = {
    wallMs: () => {
      looks++;
      return 1_767_225_600_000 + Math.floor(steadyNow - 100);
    },
    steadyMs: () => steadyNow,
    resolutionMs: 1,
  };
  const clock = startClock(source);
  const times: number[] = [];
  for (let i = 0; i < 5000; i++) {
    steadyNow = 100 + (i * 10) / 1000;
    times.push(clock.nowMicros());
  }
  expect(times.every((time, i) => i === 0 || time > times[i - 1]!)).toBe(true);
  expect(times.at(-1)! - times[0]!).toBeGreaterThan(49_900);
  expect(looks).toBeLessThanOrEqual(51);
});
