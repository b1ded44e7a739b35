/** The shapes of answers as OpenAPI and AsyncAPI hold them: each written once, and referred to by its name. */

import { type ShapeName, shapes } from "../edge/result-shapes.js";

const namesOf = new Map<object, ShapeName>(
  Object.entries(shapes).map(([name, schema]) => [schema, name as ShapeName]),
);

/** The named schemas as plain JSON, each written once and referred to by the others. */
export function componentSchemas(): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(shapes).map(([name, schema]) => [name, withoutCopies(schema, schema)]),
  );
}

export function refTo(name: ShapeName): { $ref: string } {
  return { $ref: `#/components/schemas/${name}` };
}

/** The reference to one of the shapes. */
export function refOf(shape: object): { $ref: string } {
  return refTo(namesOf.get(shape)!);
}

/** An optional property is a copy of its schema, so names are found by what is written in them, too. */
function withoutCopies(value: unknown, top: object): unknown {
  if (typeof value !== "object" || value === null) return value;
  const name = value === top ? undefined : nameOf(value);
  if (name !== undefined) return refTo(name);
  if (Array.isArray(value)) return value.map((item) => withoutCopies(item, top));
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withoutCopies(each, top)]));
}

function nameOf(value: object): ShapeName | undefined {
  const known = namesOf.get(value);
  if (known !== undefined || !("properties" in value)) return known;
  const written = JSON.stringify(value);
  return [...namesOf].find(([schema]) => JSON.stringify(schema) === written)?.[1];
}
