/**
 * What `yifen` is in a bundle for a browser (the condition `browser` of package.json): the client, and in place of everything else
 * that `embedded` exports a function that says where to go. So a bundle of the wrong import builds, and fails with one clear line
 * where it is used, not with a list of Node modules that cannot be found.
 */

export * from "../client/client.js";

function nodeOnly(name: string): () => never {
  // Not an arrow: `error instanceof BadConfig` must be false here, not throw.
  return function elsewhere(): never {
    throw new TypeError(
      `${name} of "yifen" needs Node: run a server there (\`yifen start\`) and reach it from the browser with connect(url)`,
    );
  };
}

export const openEngine = nodeOnly("openEngine");
export const manualClock = nodeOnly("manualClock");
export const defineSaga = nodeOnly("defineSaga");
export const defineTcc = nodeOnly("defineTcc");
export const Refused = nodeOnly("Refused");
export const BadConfig = nodeOnly("BadConfig");
export const BindingMissing = nodeOnly("BindingMissing");
export const LogAheadOfClock = nodeOnly("LogAheadOfClock");
