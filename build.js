/**
 * Compiles what changed, and nothing when nothing did: `node build.js` what ships, `node build.js all` the tests and examples too.
 * Plain JavaScript, because nothing is compiled before it has run. What it says goes to standard error, a line at most.
 *
 * What was compiled is known by a hash of all sources (20 ms), not by their times: a checkout sets those as it likes.
 */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(fileURLToPath(import.meta.url));
/** `all` holds what ships, so whoever has compiled it has compiled both. */
const builds = {
  ship: { project: "tsconfig.ship.json", done: ["ship"] },
  all: { project: "tsconfig.json", done: ["ship", "all"] },
};

const name = process.argv[2] ?? "ship";
const { project, done } = builds[name];
const shipped = JSON.parse(readFileSync(join(root, builds.ship.project), "utf8")).include;
const everything = JSON.parse(readFileSync(join(root, builds.all.project), "utf8")).include;
const sourcesOf = (folders) =>
  folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .map((file) => join(folder, file))
      .sort(),
  );
const sources = { ship: sourcesOf(shipped), all: sourcesOf(everything) };
const stampOf = (build) => join(root, "dist", `.built-${build}`);

const hashes = { ship: hashOf(sources.ship), all: hashOf(sources.all) };
if (isDone(name)) process.exit(0);

const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
if (!existsSync(compiler)) {
  console.error("yifen: nothing is installed here yet: run `npm ci` first");
  process.exit(1);
}
console.error(`build: compiling ${sources[name].length} files; the first time takes some ten seconds`);
// Incremental as long as nothing was taken away from what it has written.
const known = join(root, "dist", `.${name}.tsbuildinfo`);
if (!sources[name].every((file) => existsSync(outputOf(file)))) rmSync(known, { force: true });
const incremental = ["--incremental", "--tsBuildInfoFile", known];
const { status } = spawnSync(process.execPath, [compiler, "-p", join(root, project), ...incremental], {
  stdio: ["ignore", 2, 2],
});
if (status !== 0) process.exit(status ?? 1);
mkdirSync(join(root, "dist"), { recursive: true });
for (const build of done) writeFileSync(stampOf(build), hashes[build]);

function hashOf(files) {
  const hash = createHash("sha256");
  for (const file of [...Object.values(builds).map(({ project }) => project), "package-lock.json", ...files])
    hash.update(file).update("\0").update(readFileSync(join(root, file))).update("\0");
  return hash.digest("hex");
}

function isDone(build) {
  const stamp = stampOf(build);
  if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== hashes[build]) return false;
  return sources[build].every((file) => existsSync(outputOf(file)));
}

function outputOf(file) {
  return join(root, "dist", file.replace(/\.ts$/, ".js"));
}
