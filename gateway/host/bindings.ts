/**
 * The two packages that bring compiled code: better-sqlite3 (made or fetched by its install script) and uWebSockets.js (made for
 * each version of Node). Where one is missing, Node's own words lead elsewhere; these lead on.
 */

/** A package is not installed, or its compiled part is not there or does not fit. */
export class BindingMissing extends Error {
  override readonly name = "BindingMissing";
}

interface Sign {
  readonly code?: string;
  readonly says: RegExp;
  readonly what: (found: RegExpExecArray) => string;
}

const rebuild =
  "run `npm rebuild better-sqlite3` (python3, make and g++ are needed where no ready-made build can be fetched)";
const approve = "npm 12 and later run its script only after `npm install-scripts approve better-sqlite3`";

const signs: readonly Sign[] = [
  {
    says: /Cannot find (?:package|module) '((?:@[\w-]+\/)?[a-zA-Z][\w.-]*)'/,
    what: ([, name]) => `the package ${name} is not installed: run \`npm install\` where yifen is installed`,
  },
  {
    says: /Could not locate the bindings file/,
    what: () => `better-sqlite3 is installed without its compiled part: ${rebuild}; ${approve}`,
  },
  {
    code: "ERR_DLOPEN_FAILED",
    says: /better_sqlite3\.node|better-sqlite3/,
    what: () =>
      `better-sqlite3 was compiled for another Node or another system than this (${here()}): ${rebuild}`,
  },
  {
    says: /This version of uWS\.js supports only/,
    what: () =>
      `uWebSockets.js has no compiled part for ${here()}: Node 20, 22 or 24 on Linux with glibc, macOS or Windows is needed`,
  },
];

/** The same in one line with the way on, or undefined when it is something else. */
export function bindingProblem(error: unknown): BindingMissing | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code } = error as NodeJS.ErrnoException;
  for (const sign of signs) {
    const found = sign.says.exec(error.message);
    if (found && (sign.code === undefined || sign.code === code))
      return new BindingMissing(sign.what(found), { cause: error });
  }
  return undefined;
}

function here(): string {
  return `Node ${process.versions.node} on ${process.platform} ${process.arch}`;
}
