import { expect, test } from "vitest";
import { processMetrics, renderMetrics } from "../../../gateway/host/metrics.js";

const unexpected = (defect: unknown): never => {
  throw defect;
};

test("a counter, a gauge with labels, and what must be escaped", () => {
  let orders = 0;
  const metrics = [
    { name: "yifen_orders_total", help: "Orders placed.", type: "counter", read: () => orders },
    {
      name: "yifen_mailbox_length",
      help: 'Commands waiting \\ per\n"shard".',
      type: "gauge",
      read: () => [
        { labels: { shard: "0", note: 'a"b\\c\nd' }, value: 1.5 },
        { labels: { shard: "1" }, value: Number.POSITIVE_INFINITY },
      ],
    },
  ] as const;
  orders = 12;
  expect(renderMetrics(metrics, unexpected)).toBe(
    [
      "# HELP yifen_orders_total Orders placed.",
      "# TYPE yifen_orders_total counter",
      "yifen_orders_total 12",
      '# HELP yifen_mailbox_length Commands waiting \\\\ per\\n"shard".',
      "# TYPE yifen_mailbox_length gauge",
      'yifen_mailbox_length{shard="0",note="a\\"b\\\\c\\nd"} 1.5',
      'yifen_mailbox_length{shard="1"} +Inf',
      "",
    ].join("\n"),
  );
});

test("a metric that throws is left out and reported; the others are there", () => {
  const defects: unknown[] = [];
  const broken = {
    name: "yifen_broken",
    help: "Broken.",
    type: "gauge" as const,
    read: () => {
      throw new Error("a defect");
    },
  };
  const text = renderMetrics([broken, ...processMetrics()], (defect) => defects.push(defect));
  expect(text).not.toContain("yifen_broken");
  expect(text).toMatch(/^process_resident_memory_bytes [1-9][0-9]+$/m);
  expect(defects.length).toBe(1);
});
