/** What was probably meant by a name that nobody knows: for refusals that help. */

/** Longer names are not compared: the caller chose them. */
const charsMax = 64;

/** The known name that a few slips away from the given one; undefined when none is that near. */
export function nearest(given: string, known: readonly string[]): string | undefined {
  if (given.length > charsMax) return undefined;
  let found: string | undefined;
  let best = Number.POSITIVE_INFINITY;
  const parts = given.toLowerCase().split(".");
  for (const name of known) {
    const slips = slipsBetween(parts, knownParts(name));
    // Of two that are equally near, one that begins alike is meant: people seldom get the first letter wrong.
    const cost = slips + (name[0]?.toLowerCase() === given[0]?.toLowerCase() ? 0 : 0.5);
    if (cost < best) [found, best] = [name, cost];
  }
  return found;
}

/** `reason`, and what was probably meant. */
export function withNearest(reason: string, given: string, known: readonly string[]): string {
  return meant(reason, nearest(given, known));
}

export function meant(reason: string, name: string | undefined): string {
  return name === undefined ? reason : `${reason}; did you mean ${name}?`;
}

/** Infinity when they are too far apart. Of names with a dot each part must be near: `order.find` is not `order.list`. */
function slipsBetween(given: readonly string[], name: readonly string[]): number {
  if (given.length !== name.length) return slips(given.join("."), name.join("."));
  let sum = 0;
  for (const [n, part] of name.entries()) {
    sum += slips(given[n]!, part);
    if (sum === Number.POSITIVE_INFINITY) break;
  }
  return sum;
}

/** The parts of names in lower case. There are few lists of known names, and all of them are the program's own. */
const partsOf = new Map<string, readonly string[]>();

function knownParts(name: string): readonly string[] {
  let parts = partsOf.get(name);
  if (!parts) {
    parts = name.toLowerCase().split(".");
    partsOf.set(name, parts);
  }
  return parts;
}

/** Longer words may have more: `currencyCode` and `accountId` begin with what is meant. */
function slips(a: string, b: string): number {
  if (b.length >= 4 && a.startsWith(b)) return a === b ? 0 : 1;
  const most = b.length <= 4 ? 1 : b.length <= 8 ? 2 : 3;
  if (Math.abs(a.length - b.length) > most) return Number.POSITIVE_INFINITY;
  const distance = editDistance(a, b);
  return distance <= most ? distance : Number.POSITIVE_INFINITY;
}

/** Letters inserted, left out, changed, or changed places with their neighbour. */
export function editDistance(a: string, b: string): number {
  let [before, last, row] = rows;
  for (let j = 0; j <= b.length; j++) last[j] = j;
  for (let i = 1; i <= a.length; i++) {
    row[0] = i;
    for (let j = 1; j <= b.length; j++) {
      const same = a.charCodeAt(i - 1) === b.charCodeAt(j - 1);
      let cost = Math.min(row[j - 1]! + 1, last[j]! + 1, last[j - 1]! + (same ? 0 : 1));
      const swapped =
        i > 1 &&
        j > 1 &&
        a.charCodeAt(i - 1) === b.charCodeAt(j - 2) &&
        a.charCodeAt(i - 2) === b.charCodeAt(j - 1);
      if (swapped) cost = Math.min(cost, before[j - 2]! + 1);
      row[j] = cost;
    }
    [before, last, row] = [last, row, before];
  }
  return last[b.length]!;
}

/** A frame may hold a thousand names that nobody knows, and each is compared with all that there are: nothing is made anew. */
const rows: [number[], number[], number[]] = [[], [], []];
