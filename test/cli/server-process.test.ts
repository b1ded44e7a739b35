import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import type { createServerProcess, ServerProcess } from "../../cli/demo/server-process.js";

/** As it is shipped: it starts its neighbours in dist. */
const program = "dist/cli/demo/server-process.js";

test("CLI-SERVER-PROCESS-2: a server that is killed by somebody else is reported, one that we kill is not", async () => {
  expect(existsSync(program), `${program} is missing: npm run build`).toBe(true);
  const shipped = (await import(pathToFileURL(program).href)) as {
    createServerProcess: typeof createServerProcess;
  };
  const folder = mkdtempSync(join(tmpdir(), "yifen-server-process-"));
  const deaths: string[] = [];
  const died = ({ message }: Error) => void deaths.push(message);
  const server: ServerProcess = shipped.createServerProcess({
    folder: join(folder, "data"),
    port: 0,
    graceMs: 0,
    died,
  });
  try {
    await server.start();
    expect(await server.kill()).toBe("SIGKILL");
    expect(deaths).toEqual([]);
    await server.start();
    process.kill(server.pid, "SIGKILL");
    for (let n = 0; n < 200 && deaths.length === 0; n++) await new Promise((done) => setTimeout(done, 20));
    expect(deaths).toHaveLength(1);
    expect(deaths[0]).toMatch(/^the server ended with SIGKILL\n[\s\S]*listening on/);
  } finally {
    server.killNow();
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  }
});
