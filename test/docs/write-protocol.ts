/**
 * Writes what the engine really says into the documents: `npm run build && node dist/test/docs/write-protocol.js`.
 * Requests, texts and the order of things are the author's; answers, pushes and the tables from code are not. An answer
 * that is right already is left as it is.
 */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Method } from "../../gateway/edge/methods.js";
import {
  blocksOf,
  exchangesOf,
  givenOf,
  projectFile,
  protocolPages,
  readDocument,
  replaceTable,
  tableNames,
} from "./document.js";
import { type DocumentEngine, normalised, openDocumentEngine, runExamples } from "./examples-run.js";
import { pretty } from "./pretty.js";
import {
  checksTable,
  codesTable,
  eventsTable,
  methodsTable,
  metricsTable,
  movesTable,
  paramsTable,
  settingsRows,
} from "./tables.js";

for (const page of protocolPages()) {
  const folder = mkdtempSync(join(tmpdir(), "yifen-docs-"));
  const engine = await openDocumentEngine(folder);
  try {
    const markdown = withTables(readDocument(page), engine);
    const exchanges = exchangesOf(markdown);
    const found = await runExamples(engine, "yifen.json", givenOf(markdown), exchanges);
    writeFileSync(projectFile(page), withFrames(markdown, exchanges, found));
  } finally {
    await engine.stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 9 });
  }
}

const operating = replaceTable(readDocument("docs/OPERATING.md"), "settings", settingsRows());
writeFileSync(projectFile("docs/OPERATING.md"), replaceTable(operating, "checks", checksTable()));

function withTables(document: string, engine: DocumentEngine): string {
  let markdown = document;
  for (const name of tableNames(markdown)) {
    if (name === "events") markdown = replaceTable(markdown, name, eventsTable());
    if (name === "moves") markdown = replaceTable(markdown, name, movesTable());
    if (name === "methods") markdown = replaceTable(markdown, name, methodsTable());
    if (name === "codes") markdown = replaceTable(markdown, name, codesTable());
    if (name === "metrics") markdown = replaceTable(markdown, name, metricsTable(engine.metrics));
    const [, method] = /^params (.+)$/.exec(name) ?? [];
    if (method) markdown = replaceTable(markdown, name, paramsTable(method as Method));
  }
  return markdown;
}

/** From the end to the start, so that line numbers stay right; what is between the blocks stays. */
function withFrames(
  markdown: string,
  exchanges: ReturnType<typeof exchangesOf>,
  found: readonly unknown[][],
): string {
  const lines = markdown.split("\n");
  const blocks = blocksOf(markdown);
  for (let n = exchanges.length - 1; n >= 0; n--) {
    const { frames: shown, line } = exchanges[n]!;
    const came = found[n]!;
    const last = shown.at(-1) ?? blocks.find((block) => block.fence === line - 1)!;
    const more = came.slice(shown.length).flatMap((frame) => ["", ...blockOf(frame)]);
    lines.splice(last.to + 2, 0, ...more);
    for (const [at, block] of [...shown.entries()].reverse()) {
      const frame = came[at];
      const said: unknown = block.text.trim() === "" ? undefined : JSON.parse(block.text);
      if (frame !== undefined && isDeepStrictEqual(normalised([said]), normalised([frame]))) continue;
      lines.splice(block.fence, block.to + 2 - block.fence, ...(frame === undefined ? [] : blockOf(frame)));
    }
  }
  return lines.join("\n");
}

function blockOf(frame: unknown): string[] {
  const isPush = !Array.isArray(frame) && "sub" in (frame as object);
  return [`\`\`\`json ${isPush ? "push" : "answer"}`, ...pretty(frame, "").split("\n"), "```"];
}
