/**
 * Writes openapi.json and asyncapi.json, which a server serves too, for those who read them without one. They are made from the code
 * and packed with it (`npm pack`), and lie in no repository: `node dist/gateway/describe/write-descriptions.js FOLDER`.
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { asyncApiDocument } from "./asyncapi.js";
import { openApiDocument } from "./openapi.js";

const folder = process.argv[2];
if (folder === undefined) throw new Error("usage: write-descriptions FOLDER");
for (const [name, document] of [
  ["openapi.json", openApiDocument()],
  ["asyncapi.json", asyncApiDocument()],
] as const) {
  writeFileSync(join(folder, name), `${JSON.stringify(document, null, 2)}\n`);
}
