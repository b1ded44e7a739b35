import { readdirSync } from "node:fs";
import { expect, test, vi } from "vitest";
import { blocksOf, projectFile, readDocument } from "./document.js";

/** What `examples/README.md` shows under each program is what the program prints. */
const markdown = readDocument("examples/README.md");
const programs = readdirSync(projectFile("examples/"))
  .filter((name) => name.endsWith(".ts"))
  .sort();

/** The console blocks of the page, in its order: `$ node ...` and what came of it. */
const shown = blocksOf(markdown)
  .filter(({ info }) => info === "text")
  .map(({ text }) => text.trim());

test("every program has its place on the page, in order", () => {
  const named = [...markdown.matchAll(/^## \[(\S+)\]\(\1\)/gm)].map((match) => match[1]);
  expect(named).toEqual(programs);
  expect(shown).toHaveLength(programs.length);
});

test.each(programs.map((name, n) => [name, n] as const))("%s prints what the page shows", async (name, n) => {
  const said: string[] = [];
  const log = vi.spyOn(console, "log").mockImplementation((line: string) => void said.push(line));
  try {
    await import(projectFile(`examples/${name}`).href);
  } finally {
    log.mockRestore();
  }
  expect(said.join("\n")).toBe(shown[n]);
});
