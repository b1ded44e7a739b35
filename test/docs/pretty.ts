/** JSON for people: what fits on a line stays on one. */
export function pretty(value: unknown, indent: string): string {
  const flat = flatten(value);
  if (indent.length + flat.length <= 100 || typeof value !== "object" || value === null) return flat;
  const deeper = `${indent}  `;
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  const parts = Array.isArray(value)
    ? value.map((item) => pretty(item, deeper))
    : packed(
        Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${pretty(item, deeper)}`),
        deeper,
      );
  return `${open}\n${parts.map((part) => deeper + part).join(",\n")}\n${indent}${close}`;
}

/** Short fields share a line. */
function packed(fields: readonly string[], indent: string): string[] {
  const lines: string[] = [];
  for (const field of fields) {
    const last = lines.at(-1);
    const joined = `${last}, ${field}`;
    const fits = last !== undefined && !joined.includes("\n") && indent.length + joined.length <= 96;
    if (fits) lines[lines.length - 1] = joined;
    else lines.push(field);
  }
  return lines;
}

function flatten(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flatten).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${flatten(item)}`);
  return `{${fields.join(", ")}}`;
}
