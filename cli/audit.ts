/** `yifen audit`: proves the books from the log, of a folder or of a running engine. */

import { type Command, Option } from "commander";
import type { Certificate } from "../persistence/audit/audit.js";
import { formatCertificate } from "../persistence/audit/certificate.js";
import { exitCodes } from "./fail.js";
import { startProgress } from "./progress.js";
import { withEngine } from "./with-engine.js";

/** An audit of a long log takes minutes. */
const timeoutMs = 3_600_000;

export function addAudit(program: Command): void {
  program
    .command("audit")
    .description(
      "rebuild every figure from the log and prove it; prints a certificate or the first bad position",
    )
    .addOption(new Option("--data <FOLDER>", "folder of the engine").default("./data").env("YIFEN_DATA"))
    .option("--url <URL>", "ask the engine that listens there instead of reading a folder")
    .option("--json", "the certificate as one JSON document")
    .action(async ({ data, url, json }: { data: string; url?: string; json?: boolean }) => {
      const certificate = url === undefined ? await ofFolder(data) : await ofEngine(url);
      console.log(json ? JSON.stringify(certificate) : formatCertificate(certificate));
      process.exitCode = certificate.ok ? exitCodes.done : exitCodes.damaged;
    });
}

async function ofFolder(folder: string): Promise<Certificate> {
  const { auditFolder } = await import("../gateway/host/audit-run.js");
  const progress = startProgress("audit");
  const certificate = auditFolder(folder, ({ facts }) => progress.at(facts, "facts"));
  progress.done();
  return certificate;
}

async function ofEngine(url: string): Promise<Certificate> {
  return withEngine(url, async (yifen) => (await yifen.audit({ timeoutMs })) as Certificate);
}
