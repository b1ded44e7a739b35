/**
 * Writes docs/openapi.json and docs/asyncapi.json, which the server serves too, for those who read them without one:
 * `npm run build && node dist/test/docs/write-descriptions.js`.
 */

import { writeFileSync } from "node:fs";
import { descriptions } from "./descriptions.js";
import { projectFile } from "./document.js";

for (const [name, text] of descriptions()) writeFileSync(projectFile(name), text);
