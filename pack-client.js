/**
 * Packs the client alone, as `yifen-client`: what connects to a server needs two small libraries and nothing that is compiled.
 * Prints the file that `npm publish` or `npm install` takes. `node pack-client.js [FOLDER]`: where it goes, here if left out.
 */

import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(fileURLToPath(import.meta.url));
const { version, license, engines, dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

const manifest = {
  name: "yifen-client",
  version,
  description: "Talks to a Yifen server, from Node and from a browser",
  license,
  type: "module",
  sideEffects: false,
  engines,
  main: "./client.js",
  types: "./client.d.ts",
  exports: { ".": { types: "./client.d.ts", default: "./client.js" } },
  dependencies: { msgpackr: dependencies.msgpackr, ws: dependencies.ws },
};

const readme = `# yifen-client

\`\`\`ts
import { connect } from "yifen-client";

const yifen = await connect("http://127.0.0.1:8080");
\`\`\`

The same as \`yifen/client\`, without the engine. What it can do is told in the documents of the package \`yifen\`.
`;

const to = resolve(process.argv[2] ?? ".");
mkdirSync(to, { recursive: true });
const staged = mkdtempSync(join(tmpdir(), "yifen-client-"));
try {
  const from = join(root, "dist", "client");
  for (const file of readdirSync(from).filter((name) => /\.(js|d\.ts)$/.test(name))) {
    // A map would lead to sources that are not in the package.
    const text = readFileSync(join(from, file), "utf8").replace(/^\/\/# sourceMappingURL=.*$/m, "");
    writeFileSync(join(staged, file), text);
  }
  cpSync(join(root, "LICENSE"), join(staged, "LICENSE"));
  writeFileSync(join(staged, "package.json"), `${JSON.stringify(manifest, undefined, 2)}\n`);
  writeFileSync(join(staged, "README.md"), readme);
  const { status } = spawnSync("npm", ["pack", "--silent", "--pack-destination", to], {
    cwd: staged,
    stdio: ["ignore", "inherit", "inherit"],
  });
  process.exitCode = status ?? 1;
} finally {
  rmSync(staged, { recursive: true, force: true });
}
