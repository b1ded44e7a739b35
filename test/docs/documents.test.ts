import { existsSync, readdirSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { projectFile, protocolFiles, readDocument } from "./document.js";

const root = fileURLToPath(projectFile("./"));
const decisions = readdirSync(join(root, "docs/decisions"))
  .map((name) => `docs/decisions/${name}`)
  .sort();
const pages = readdirSync(join(root, "docs"))
  .filter((name) => name.endsWith(".md") && name !== "PROTOCOL.md")
  .map((name) => `docs/${name}`);
const documents = [
  ...decisions,
  ...pages,
  ...protocolFiles(),
  "README.md",
  "examples/README.md",
  "CHANGELOG.md",
];

describe.each(documents)("%s", (name) => {
  const markdown = readDocument(name);

  test("names files that exist", () => {
    const named =
      markdown.match(/`(?:dist\/)?(?:actors|engine|persistence|gateway|client|cli|test)\/[\w./-]+`/g) ?? [];
    for (const file of named) {
      const source = file.slice(1, -1).replace(/^dist\/(.*)[.]js$/, "$1.ts");
      // A module may be named without its ending.
      const there = [source, `${source}.ts`].some((path) => existsSync(join(root, path)));
      expect(there, source).toBe(true);
    }
  });

  test("has links that lead somewhere", () => {
    for (const [, to, anchor] of markdown.matchAll(/\]\((?!https:)([^)#]*)(?:#([^)]+))?\)/g)) {
      const target = to === "" ? name : normalize(join(dirname(name), to!));
      expect(existsSync(join(root, target)), target).toBe(true);
      if (anchor !== undefined) expect(anchorsOf(readDocument(target))).toContain(anchor);
    }
  });
});

describe.each(decisions)("%s", (name) => {
  const markdown = readDocument(name);

  test("has a number, a context, a choice, its cost, and what would change it", () => {
    const number = /\/(\d{4})-/.exec(name)![1]!;
    const headings = [...markdown.matchAll(/^#+ (.+)$/gm)].map((match) => match[1]!);
    expect(headings[0]).toMatch(new RegExp(`^${number} \\S`));
    expect(headings.slice(1)).toEqual(["Context", "Choice", "Cost", "What would change our mind"]);
  });

  test("fits on a page", () => {
    expect(markdown.split("\n").length).toBeLessThan(45);
  });
});

test("decisions are numbered without a gap", () => {
  const numbers = decisions.map((name) => Number(/\/(\d{4})-/.exec(name)![1]));
  expect(numbers).toEqual(numbers.map((_, n) => n + 1));
});

test("the index of decisions has each of them under its title, and nothing else", () => {
  const titles = decisions.map((name) => {
    const title = /^# (.+)$/m.exec(readDocument(name))![1]!;
    return `- [${title}](${name.slice("docs/".length)})`;
  });
  const listed = readDocument("docs/DECISIONS.md").split("\n");
  expect(listed.filter((line) => line.startsWith("- "))).toEqual(titles);
});

test("the version of the changes is that of the package", () => {
  const { version } = JSON.parse(readDocument("package.json")) as { version: string };
  expect(readDocument("CHANGELOG.md")).toContain(`\n## ${version}\n`);
});

test("the license is the one that the package names", () => {
  const { license } = JSON.parse(readDocument("package.json")) as { license: string };
  expect(license).toBe("Apache-2.0");
  expect(readDocument("LICENSE")).toMatch(/Apache License\s+Version 2[.]0, January 2004/);
});

/** As GitHub makes them. */
function anchorsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^a-z0-9 _-]/g, "")
      .replaceAll(" ", "-"),
  );
}
