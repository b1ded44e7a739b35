/**
 * Metrics as Prometheus text (exposition format 0.0.4), made when somebody asks: the program itself only keeps
 * plain counters, and a table says how each is called and read.
 */

export interface Metric {
  /** `yifen_` + what + unit, snake_case; a counter's ends in `_total`. */
  readonly name: string;
  /** One sentence. */
  readonly help: string;
  readonly type: "counter" | "gauge";
  /** The value now, or one per set of labels. */
  read(): number | readonly Sample[];
}

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export const metricsContentType = "text/plain; version=0.0.4; charset=utf-8";

/** The text of a scrape. A metric that throws while it is read is left out and does not take the others with it. */
export function renderMetrics(metrics: readonly Metric[], onDefect: (defect: unknown) => void): string {
  let text = "";
  for (const metric of metrics) {
    try {
      text += renderMetric(metric);
    } catch (defect) {
      onDefect(defect);
    }
  }
  return text;
}

function renderMetric(metric: Metric): string {
  const value = metric.read();
  const samples = typeof value === "number" ? [{ labels: {}, value }] : value;
  let text = `# HELP ${metric.name} ${escapeHelp(metric.help)}\n# TYPE ${metric.name} ${metric.type}\n`;
  for (const sample of samples)
    text += `${metric.name}${renderLabels(sample.labels)} ${renderValue(sample.value)}\n`;
  return text;
}

function renderLabels(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function renderValue(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  if (value === Number.NEGATIVE_INFINITY) return "-Inf";
  return String(value);
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}

/** What the process itself can say. */
export function processMetrics(): readonly Metric[] {
  return [
    {
      name: "process_resident_memory_bytes",
      help: "Resident memory.",
      type: "gauge",
      read: () => process.memoryUsage.rss(),
    },
    {
      name: "process_cpu_seconds_total",
      help: "User and system CPU time.",
      type: "counter",
      read: () => {
        const { user, system } = process.cpuUsage();
        return (user + system) / 1e6;
      },
    },
    {
      name: "process_start_time_seconds",
      help: "Start of the process since the epoch.",
      type: "gauge",
      read: () => performance.timeOrigin / 1000,
    },
  ];
}
