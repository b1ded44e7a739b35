import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    // The longest tests take a minute or two alone on two cores; a bound is for what hangs, not for what shares its machine.
    testTimeout: 400_000,
    hookTimeout: 60_000,
  },
});
