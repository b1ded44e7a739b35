/**
 * What is seen of the demo while it runs. A terminal gets a panel of three lines that are rewritten in place, with what
 * happens written above it; anything else gets plain lines, one a second and one for everything that happens.
 */

import type { WriteStream } from "node:tty";
import type { Product } from "../../client/client.js";

export interface Figures {
  readonly products: readonly Product[];
  readonly stock: number;
  /** Buyers who were refused and wait for a unit to come back. */
  readonly waiting: number;
  /** Orders answered so far. */
  readonly answered: number;
  /** Milliseconds; of all answers so far outside the outage. */
  readonly p99Ms: number;
}

export interface Panel {
  /** Something happened. */
  say(what: string): void;
  /** Called for figures from now on. */
  watch(figures: () => Figures): void;
  /** Leaves the last figures standing, and the terminal to others. */
  close(): void;
}

type Output = Pick<WriteStream, "write"> & { readonly isTTY?: boolean; readonly columns?: number };

const redrawMs = 100;
const plainMs = 1000;
const barColumnsMax = 60;
/** A terminal that does not know how wide it is says 0. */
const columnsUnknown = 80;
/** Two of them on the left, and one more than a line that does not wrap needs on either side. */
const columnsAround = 4;

/** Orders a second are those of the time between two figures so far apart. */
const rateOverMs = 1000;

export function openPanel(output: Output, environment: NodeJS.ProcessEnv, startedAt: number): Panel {
  const live = output.isTTY === true && environment.TERM !== "dumb";
  const paint = live && !environment.NO_COLOR ? painted : (text: string) => text;
  const rate = newRate();
  let figures: (() => Figures) | undefined;
  let now = "";
  let drawn = 0;
  let lastPlain = "";

  const seconds = () => `${((performance.now() - startedAt) / 1000).toFixed(1).padStart(5)} s`;
  const erase = () => {
    if (drawn > 0) output.write(`\x1b[${drawn}A\r\x1b[J`);
    drawn = 0;
  };
  const draw = () => {
    if (!figures) return;
    const current = figures();
    const perSecond = rate(current.answered);
    if (!live) {
      const line = plainLine(current, perSecond);
      if (line !== lastPlain) output.write(`${seconds()}  ${line}\n`);
      lastPlain = line;
      return;
    }
    erase();
    const lines = panelLines(current, perSecond, now, output.columns || columnsUnknown, paint);
    for (const line of lines) output.write(`${line}\n`);
    drawn = lines.length;
  };
  const timer = setInterval(draw, live ? redrawMs : plainMs);
  timer.unref();

  return {
    say(what) {
      erase();
      output.write(`${paint(seconds(), "dim")}  ${what}\n`);
      now = what;
      if (live) draw();
    },
    watch(source) {
      figures = source;
    },
    close() {
      clearInterval(timer);
      now = "";
      if (figures) draw();
    },
  };
}

type Paint = (text: string, color: Color) => string;
type Color = keyof typeof colors;

const colors = { green: 32, yellow: 33, cyan: 36, dim: 2 } as const;

function painted(text: string, color: Color): string {
  return text === "" ? "" : `\x1b[${colors[color]}m${text}\x1b[0m`;
}

function panelLines(
  figures: Figures,
  perSecond: number,
  now: string,
  columns: number,
  paint: Paint,
): string[] {
  const { sold, held, left } = unitsOf(figures.products);
  const units = `sold ${count(sold)}   held ${count(held)}   left ${count(left)}   refused ${count(figures.waiting)}`;
  const speed = `${count(perSecond)} orders/s   p99 ${figures.p99Ms.toFixed(1)} ms`;
  const room = columns - columnsAround;
  if (room <= 0) return [];
  return [
    `  ${bar(figures, Math.min(barColumnsMax, room), paint)}`,
    `  ${`${units}   ${speed}`.slice(0, room)}`,
    ...(now === "" ? [] : [paint(`  ${`now: ${now}`.slice(0, room)}`, "cyan")]),
  ];
}

/** Sold, held and left as shares of the whole; what is neither is a bar of its own that nobody wants to see. */
function bar({ products, stock }: Figures, width: number, paint: Paint): string {
  const { sold, held } = unitsOf(products);
  const columnsOf = (units: number) => Math.round((Math.min(units, stock) / stock) * width);
  const soldColumns = columnsOf(sold);
  const heldColumns = columnsOf(sold + held) - soldColumns;
  return (
    paint("█".repeat(soldColumns), "green") +
    paint("▒".repeat(heldColumns), "yellow") +
    paint("░".repeat(width - soldColumns - heldColumns), "dim")
  );
}

function plainLine(figures: Figures, perSecond: number): string {
  const { sold, held, left } = unitsOf(figures.products);
  const speed = `${count(perSecond)} orders/s, p99 ${figures.p99Ms.toFixed(1)} ms`;
  return `sold ${count(sold)}, held ${count(held)}, left ${count(left)}, refused ${count(figures.waiting)}, ${speed}`;
}

function unitsOf(products: readonly Product[]): { sold: number; held: number; left: number } {
  const units = { sold: 0, held: 0, left: 0 };
  for (const { sold, held, available } of products) {
    units.sold += sold;
    units.held += held;
    units.left += available;
  }
  return units;
}

/** From a counter that is looked at now and then: its growth per second over the last `rateOverMs`. */
function newRate(): (counter: number) => number {
  let looks: { readonly at: number; readonly counter: number }[] = [];
  return (counter) => {
    const at = performance.now();
    looks = [...looks.filter((look) => at - look.at <= rateOverMs + redrawMs), { at, counter }];
    const first = looks[0]!;
    return at > first.at ? Math.round(((counter - first.counter) / (at - first.at)) * 1000) : 0;
  };
}

export function count(number: number): string {
  return number.toLocaleString("en");
}
