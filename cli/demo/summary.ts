/** The end of the demo as text: what was measured, the audit's certificate, and one line that says it all. */

import { formatCertificate } from "../../persistence/audit/certificate.js";
import { count } from "./panel.js";
import type { Report } from "./report.js";

export function summaryOf(report: Report): string[] {
  return [
    "",
    ...measurements(report).map(([name, value]) => `  ${name.padEnd(20)} ${value}`),
    "",
    report.certificate ? formatCertificate(report.certificate).trimEnd() : "audit: none",
    "",
    ...report.problems.map((problem) => `WRONG: ${problem}`),
    `${count(report.sold)} sold, ${report.oversold} oversold, ledger difference ${report.ledgerDifference}`,
  ];
}

function measurements(report: Report): readonly (readonly [name: string, value: string])[] {
  const { buyers, connections, sold, refused, expired } = report;
  const rows: (readonly [string, string])[] = [
    ["buyers", `${count(buyers)} over ${count(connections)} WebSocket connections`],
    ["their ends", `${count(sold)} bought, ${count(refused)} refused, ${count(expired)} never paid`],
    ["sent twice", `${count(report.duplicatesSent)} requests, ${report.duplicatesApplied} applied twice`],
  ];
  if (report.recoveredMs !== null) {
    rows.push([
      "kill -9",
      `${report.lostAfterKill} answered orders lost, answering again after ${count(report.recoveredMs)} ms`,
    ]);
    rows.push([
      "unanswered then",
      `${count(report.unansweredAtKill)} requests; ${report.answersRecovered} of them were on disk already`,
    ]);
  }
  const outage = report.recoveredMs === null ? "" : `, ${report.p99Ms} ms with the outage`;
  rows.push(
    ["orders/s", `${count(report.ordersPerSecondOutsideOutage)} while people stood at the door`],
    ["latency", `p50 ${report.p50Ms} ms, p99 ${report.p99OutsideOutageMs} ms${outage}`],
    ["time", `${report.seconds.toFixed(1)} s in all`],
  );
  return rows;
}
