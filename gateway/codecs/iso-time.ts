/**
 * Times on the wire: ISO 8601, UTC, milliseconds. The part up to the second is kept for the two seconds seen last,
 * because an order's createdAt is now and its payBy is now plus the hold: 25 ns against 400 ns for a Date each time.
 */

let seconds0 = Number.NaN;
let seconds1 = Number.NaN;
let text0 = "";
let text1 = "";

/** "2026-01-02T03:04:05." of a time in ms since the epoch, years 0000 to 9999. */
export function isoSecond(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds === seconds0) return text0;
  if (seconds !== seconds1) {
    seconds1 = seconds;
    text1 = new Date(seconds * 1000).toISOString().slice(0, 20);
  }
  // The one just used moves to the front; the other stays for its next use.
  const text = text1;
  seconds1 = seconds0;
  text1 = text0;
  seconds0 = seconds;
  text0 = text;
  return text;
}

/** "2026-01-02T03:04:05.678Z" of a time in ms since the epoch. */
export function isoTime(ms: number): string {
  const rest = ms - Math.floor(ms / 1000) * 1000;
  return `${isoSecond(ms)}${rest < 10 ? "00" : rest < 100 ? "0" : ""}${rest}Z`;
}
