/**
 * A Markdown document as its tests see it: fenced blocks that have a role, and tables that are made from code.
 *
 *   ```json request     sent to the engine, in the order of the document
 *   ```json answer      what comes back for the request above it
 *   ```json push        what else comes, in this order
 *   <!-- clock +931s -->  the engine's clock moves on
 *   <!-- given            requests, one a line, that are done before those that are shown
 *   <!-- table NAME -->   the table that follows is made by `tables`
 */

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export interface Block {
  /** The info string behind the fence: "json request", "sh", ... */
  readonly info: string;
  readonly text: string;
  /** Indices of the last line between the fences, and of the line with the opening fence. */
  readonly to: number;
  readonly fence: number;
}

export interface Exchange {
  /** Milliseconds that pass before. */
  readonly passMs: number;
  /** Undefined when only time passes. */
  readonly request: unknown;
  /** Answers and pushes, in order. */
  readonly frames: Block[];
  /** Line of the request, from 1. */
  readonly line: number;
}

export interface Given {
  readonly method: string;
  readonly params: object;
}

/** The entry of the protocol, and a page for each subject in the order in which the entry names them. */
export function protocolPages(): string[] {
  const entry = "docs/PROTOCOL.md";
  const named = [...readDocument(entry).matchAll(/^- \[[^\]]+\]\((protocol\/[a-z-]+\.md)\)/gm)];
  return [entry, ...named.map(([, page]) => `docs/${page}`)];
}

/** Every page that is there, named or not. */
export function protocolFiles(): string[] {
  const files = readdirSync(fileURLToPath(projectFile("docs/protocol")));
  return ["docs/PROTOCOL.md", ...files.map((name) => `docs/protocol/${name}`)];
}

/** A file of the project, from source or from the compiled tests. */
export function projectFile(name: string): URL {
  const up = import.meta.url.includes("/dist/") ? "../../../" : "../../";
  return new URL(up + name, import.meta.url);
}

export function readDocument(name: string): string {
  return readFileSync(fileURLToPath(projectFile(name)), "utf8");
}

export function blocksOf(markdown: string): Block[] {
  const lines = markdown.split("\n");
  const blocks: Block[] = [];
  for (let at = 0; at < lines.length; at++) {
    const opened = /^( *)```(\S.*)$/.exec(lines[at]!);
    if (!opened) continue;
    const [, indent, info] = opened as unknown as [string, string, string];
    let end = at + 1;
    while (lines[end] !== `${indent}\`\`\``) {
      if (++end >= lines.length) throw new Error(`line ${at + 1}: the block is not closed`);
    }
    const text = lines
      .slice(at + 1, end)
      .map((line) => line.slice(indent.length))
      .join("\n");
    blocks.push({ info, text, to: end - 1, fence: at });
    at = end;
  }
  return blocks;
}

/** What the examples begin with: requests that the page does not show, each answered 200. */
export function givenOf(markdown: string): Given[] {
  const [, requests] = /^<!-- given\n(.*?)\n-->$/ms.exec(markdown) ?? [];
  return requests === undefined ? [] : requests.split("\n").map((line) => JSON.parse(line) as Given);
}

/** Requests and what follows them, in the order of the document. */
export function exchangesOf(markdown: string): Exchange[] {
  const lines = markdown.split("\n");
  const blocks = new Map(blocksOf(markdown).map((block) => [block.fence, block]));
  const exchanges: Exchange[] = [];
  let passMs = 0;
  for (const [at, line] of lines.entries()) {
    const clock = /^<!-- clock \+(\d+)s -->$/.exec(line);
    if (clock) passMs += Number(clock[1]) * 1000;
    const block = blocks.get(at);
    if (block?.info === "json request") {
      exchanges.push({ passMs, request: JSON.parse(block.text), frames: [], line: at + 1 });
      passMs = 0;
    } else if (block?.info === "json answer" || block?.info === "json push") {
      if (passMs > 0) exchanges.push({ passMs, request: undefined, frames: [], line: at + 1 });
      passMs = 0;
      exchanges.at(-1)!.frames.push(block);
    }
  }
  return exchanges;
}

/** The rows of the table that follows a `<!-- table NAME -->`, header and rule included; undefined when there is none. */
export function tableOf(markdown: string, name: string): string | undefined {
  const lines = markdown.split("\n");
  const marked = lines.indexOf(`<!-- table ${name} -->`);
  if (marked < 0) return undefined;
  const [from, to] = tableLines(lines, marked);
  return lines.slice(from, to).join("\n");
}

export function replaceTable(markdown: string, name: string, table: string): string {
  const lines = markdown.split("\n");
  const marked = lines.indexOf(`<!-- table ${name} -->`);
  if (marked < 0) throw new Error(`there is no table ${name}`);
  const [from, to] = tableLines(lines, marked);
  lines.splice(from, to - from, ...table.split("\n"));
  return lines.join("\n");
}

export function tableNames(markdown: string): string[] {
  return [...markdown.matchAll(/^<!-- table (.+) -->$/gm)].map((match) => match[1]!);
}

/** Cells of a table's body, `code` marks removed. */
export function cellsOf(table: string): string[][] {
  const rows = table.split("\n").slice(2);
  return rows.map((row) => row.split("|").slice(1, -1).map(plain));
}

function plain(cell: string): string {
  return cell.trim().replace(/^`(.*)`$/, "$1");
}

function tableLines(lines: readonly string[], marked: number): [from: number, to: number] {
  let from = marked + 1;
  if (lines[from] === "") from++;
  let to = from;
  while (lines[to]?.startsWith("|")) to++;
  return [from, to];
}
