/**
 * Text that does not come through an edge, or is cut: what a human, a function outside or a provider said. It is kept as the
 * log will give it back. In UTF-8 there is no half of a pair, so one at a cut would be another character after a restart.
 */
export function logText(text: string, charsMax: number): string {
  return Buffer.from(text.slice(0, charsMax)).toString();
}

/** On one line and without what moves a terminal's cursor: others chose the words. */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (found) => `\\u{${found.codePointAt(0)!.toString(16)}}`,
  );
}
