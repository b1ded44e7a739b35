import { readdirSync, readFileSync } from "node:fs";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** The tests whose counts `test/support/scale.ts` sets: the long ones. */
const long = readdirSync("test", { recursive: true, encoding: "utf8" })
  .map((file) => `test/${file}`)
  .filter((file) => file.endsWith(".test.ts") && /support\/scale\.js"/.test(readFileSync(file, "utf8")));

/** The long ones first: one of them begun last would keep one core busy and let the other wait. */
class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification) => long.some((file) => moduleId.endsWith(file));
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

export default defineConfig({
  test: {
    include: process.env.YIFEN_VERIFY === "1" ? long : ["test/**/*.test.ts"],
    pool: "forks",
    // Some wait for processes and clocks more than they work: with a third the two cores are busy meanwhile.
    maxWorkers: process.env.YIFEN_VERIFY === "1" ? 2 : 3,
    sequence: { sequencer: LongFirst },
    // The longest tests take minutes in `npm run verify`; a bound is for what hangs, not for what shares its machine.
    testTimeout: 400_000,
    hookTimeout: 60_000,
  },
});
