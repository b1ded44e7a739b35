/** The descriptions of the interfaces as the files of the project hold them. */

import { asyncApiDocument } from "../../gateway/describe/asyncapi.js";
import { openApiDocument } from "../../gateway/describe/openapi.js";

/** Names and texts. */
export function descriptions(): [name: string, text: string][] {
  return [
    ["docs/openapi.json", textOf(openApiDocument())],
    ["docs/asyncapi.json", textOf(asyncApiDocument())],
  ];
}

function textOf(document: object): string {
  return `${JSON.stringify(document, null, 2)}\n`;
}
