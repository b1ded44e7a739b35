/** What was probably meant by a name that nobody knows: for refusals that help. */

/** Longer names are not compared: the caller chose them. */
const charsMax = 64;

/** The known name that a few slips away from the given one; undefined when none is that near. */
export function nearest(given: string, known: readonly string[]): string | undefined {
  if (given.length > charsMax) return undefined;
  let found: string | undefined;
  let best = Number.POSITIVE_INFINITY;
  for (const name of known) {
    const slips = slipsBetween(given, name);
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
function slipsBetween(given: string, name: string): number {
  const [givenParts, parts] = [given.split("."), name.split(".")];
  if (givenParts.length !== parts.length) return slips(given, name);
  return parts.reduce((sum, part, n) => sum + slips(givenParts[n]!, part), 0);
}

/** Longer words may have more: `currencyCode` and `accountId` begin with what is meant. */
function slips(given: string, name: string): number {
  const [a, b] = [given.toLowerCase(), name.toLowerCase()];
  if (b.length >= 4 && a.startsWith(b)) return a === b ? 0 : 1;
  const most = b.length <= 4 ? 1 : b.length <= 8 ? 2 : 3;
  if (Math.abs(a.length - b.length) > most) return Number.POSITIVE_INFINITY;
  const distance = editDistance(a, b);
  return distance <= most ? distance : Number.POSITIVE_INFINITY;
}

/** Letters inserted, left out, changed, or changed places with their neighbour. */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(row[j - 1]! + 1, last[j]! + 1, last[j - 1]! + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) cost = Math.min(cost, before[j - 2]! + 1);
      row.push(cost);
    }
    [before, last] = [last, row];
  }
  return last[b.length]!;
}
