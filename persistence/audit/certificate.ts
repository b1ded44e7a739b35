/** A certificate as text for a terminal: what was audited, every check, the figures, and what to do if it failed. */

import type { Certificate } from "./audit.js";
import type { CheckResult } from "./audit-findings.js";

/** Less is nobody's concern. */
const aheadMsTold = 1000;

export function formatCertificate(certificate: Certificate): string {
  const { ok, shards, checks, figures, clock, firstBad, repairPlan } = certificate;
  const lines = [`audit: ${ok ? "ok" : "FAILED"}`, ""];
  for (const { shard, from, to, chainHash, stateHash } of shards) {
    lines.push(`shard ${shard}  positions ${from}..${to}`);
    lines.push(`  chain hash  ${chainHash ?? "none: the log is in memory"}`);
    lines.push(`  state hash  ${stateHash ?? "not computed"}`);
  }
  lines.push("", ...checks.map(formatCheck), "");
  lines.push(`facts      ${figures.facts}`);
  lines.push(`accounts   ${figures.accounts}`);
  lines.push(`products   ${figures.products}`);
  lines.push(`orders     ${figures.orders}${named(figures.byStatus)}`);
  const { availableUnits, heldUnits, soldUnits, archived, openRefunds, openItems, points } = figures;
  if (archived > 0) lines.push(`archived   ${archived} orders`);
  lines.push(`units      ${availableUnits} available, ${heldUnits} held, ${soldUnits} sold`);
  lines.push(`wallets    ${amounts(figures.inWallets)}`);
  lines.push(`in orders  ${amounts(figures.inOrders)}`);
  lines.push(`refunded   ${amounts(figures.refunded)}`);
  lines.push(`payable    ${amounts(figures.payable)}, for ${openRefunds} refunds`);
  lines.push(`suspense   ${amounts(figures.suspense)}`);
  lines.push(`revenue    ${amounts(figures.revenue)}`);
  const { granted, reversed, spent, left } = points;
  lines.push(`points     ${granted} granted, ${reversed} reversed, ${spent} spent, ${left} left`);
  lines.push(`humans     ${openItems} items open`);
  lines.push(`ledger     difference ${amounts(figures.ledgerDifference)}`);
  lines.push(`clock      ${formatClock(clock)}`);
  if (firstBad) {
    lines.push("", `first bad  shard ${firstBad.shard}, position ${firstBad.position}: ${firstBad.what}`);
    lines.push("", "what to do", ...repairPlan.map((step, index) => `  ${index + 1}. ${step}`));
  }
  return `${lines.join("\n")}\n`;
}

function formatClock({ time, aheadMs }: Certificate["clock"]): string {
  if (time === null) return "nothing has happened yet";
  if (aheadMs === null) return time;
  const told =
    aheadMs < aheadMsTold ? "in step with the wall clock" : `${aheadMs / 1000} s ahead of the wall clock`;
  return `${time}, ${told}`;
}

function formatCheck({ name, what, ok, detail, count, bad }: CheckResult): string {
  const verdict = ok === null ? "  -   " : ok ? "  ok  " : " FAIL ";
  const title = `${verdict}${name.padEnd(13)} ${what}`;
  if (ok === null) return `${title}\n                     not checked: ${detail}`;
  if (ok) return `${title} (${count})`;
  return `${title}\n                     ${bad} wrong, first at ${detail}`;
}

function named(byStatus: Readonly<Record<string, number>>): string {
  const parts = Object.entries(byStatus).filter(([, count]) => count !== 0);
  return parts.length === 0 ? "" : `: ${parts.map(([status, count]) => `${count} ${status}`).join(", ")}`;
}

function amounts(byCurrency: Readonly<Record<string, string>>): string {
  const parts = Object.entries(byCurrency).map(([currency, amount]) => `${amount} ${currency}`);
  return parts.length === 0 ? "none" : parts.join(", ");
}
