/** What an engine can say about itself: a table over its plain counters. */

import type { Shard } from "../../engine/loop/shard.js";
import { spaces } from "../../engine/tables/key-table.js";
import type { OutletFigures } from "../outlets/outlets.js";
import type { SocketCounters, SocketServer } from "../socket-server.js";
import type { EngineHost } from "./engine-host.js";
import { type Metric, processMetrics } from "./metrics.js";

export function engineMetrics(host: EngineHost, server: SocketServer | undefined): readonly Metric[] {
  const perShard = (
    name: string,
    help: string,
    type: Metric["type"],
    read: (shard: Shard, n: number) => number,
  ) => ({
    name: `yifen_${name}`,
    help,
    type,
    read: () => host.parts.map((shard, n) => ({ labels: { shard: String(n) }, value: read(shard, n) })),
  });
  const perServer = (name: string, help: string, type: Metric["type"], field: keyof SocketCounters) => ({
    name: `yifen_${name}`,
    help,
    type,
    read: () => server?.counters[field] ?? 0,
  });
  const perOutlet = (
    name: string,
    help: string,
    type: Metric["type"],
    field: Exclude<keyof OutletFigures, "name">,
  ) => ({
    name: `yifen_outlet_${name}`,
    help,
    type,
    read: () =>
      host.outletFigures().map((figures) => ({ labels: { outlet: figures.name }, value: figures[field] })),
  });
  return [
    perShard("turns_total", "Commands and frames run.", "counter", (s) => s.counters.turns),
    perShard("groups_total", "Groups written to the log.", "counter", (s) => s.counters.groups),
    perShard(
      "overloaded_total",
      "Commands refused because a bound was reached.",
      "counter",
      (s) => s.counters.overloaded,
    ),
    perShard("channel_frames_total", "Frames of other shards.", "counter", (s) => s.counters.framesReceived),
    perShard("mailbox_waiting", "Commands and frames that wait for a turn.", "gauge", (s) => s.waiting),
    perShard("log_position", "Position of the last fact.", "gauge", (s) => s.books.position),
    perShard(
      "log_durable_position",
      "Position of the last durable fact.",
      "gauge",
      (_, n) => host.journals[n]!.durable,
    ),
    perShard(
      "log_bytes_total",
      "Bytes of facts written.",
      "counter",
      (_, n) => host.journals[n]!.bytesAppended,
    ),
    perShard("log_syncs_total", "fsyncs of the log.", "counter", (_, n) => host.journals[n]!.syncs),
    perShard("orders", "Orders kept in memory.", "gauge", (s) => s.books.orders.count),
    perShard("orders_live", "Orders that may still move.", "gauge", (s) => s.books.liveOrders),
    perShard("keys", "Idempotency keys kept.", "gauge", (s) => s.books.keys.count),
    perShard(
      "refs",
      "Refs kept: of deposits, withdrawals, restocks, points spent and payments.",
      "gauge",
      (s) => s.books.refs.count,
    ),
    perShard("accounts", "Accounts named.", "gauge", (s) => s.books.accounts.length),
    perShard(
      "accounts_unopened",
      "Accounts of the shard that orders were placed for and that were never opened.",
      "gauge",
      (s) => s.unopened.count,
    ),
    perShard("payments", "Payments from outside that were booked, ever.", "gauge", (s) =>
      s.books.refs.countOf(spaces.payment),
    ),
    perShard("products", "Products known.", "gauge", (s) => s.books.products.length),
    perShard(
      "calls_open",
      "Calls to functions outside that have no end yet.",
      "gauge",
      (s) => s.books.calls.open.size,
    ),
    perShard(
      "calls_out",
      "Calls to functions outside that wait for an answer.",
      "gauge",
      (s) => s.dispatcher.out,
    ),
    perShard(
      "transactions_open",
      "Transactions that have not ended.",
      "gauge",
      (s) => s.books.transactions.open.size,
    ),
    perShard("human_items_open", "Open review items.", "gauge", (s) => s.books.human.open.size),
    perShard(
      "alerts_total",
      "Things that keep failing, reported once each.",
      "counter",
      (s) => s.counters.alerts,
    ),
    perShard("subscriptions", "Subscriptions of the feed.", "gauge", (s) => s.feed.size),
    {
      name: "yifen_clock_ahead_seconds",
      help: "By how much engine time is ahead of the wall clock.",
      type: "gauge",
      read: () => host.clockAheadMs() / 1000,
    },
    {
      name: "yifen_snapshots_total",
      help: "Snapshots written.",
      type: "counter",
      read: () => host.snapshotsWritten(),
    },
    perShard("read_side_lag_positions", "Facts that the read side does not show yet.", "gauge", (_, n) =>
      host.readSideLag(n),
    ),
    {
      name: "yifen_read_questions_open",
      help: "Questions to the read side without an answer yet.",
      type: "gauge",
      read: () => host.readQuestionsOpen(),
    },
    perOutlet("delivered_total", "Events delivered, by outlet.", "counter", "delivered"),
    perOutlet("failed_total", "Attempts at a delivery that failed, by outlet.", "counter", "failed"),
    perOutlet("dead_letters", "Events that were put aside, by outlet.", "gauge", "dead"),
    perOutlet("lag_positions", "Facts that an outlet has not come to yet, by outlet.", "gauge", "lag"),
    perServer("tcp_connections", "Open TCP connections, WebSockets among them.", "gauge", "tcpConnections"),
    perServer(
      "tcp_refused_total",
      "TCP connections closed because there were too many.",
      "counter",
      "tcpRefused",
    ),
    perServer(
      "silent_closed_total",
      "WebSockets that never sent anything, closed to make room.",
      "counter",
      "silentClosed",
    ),
    perServer(
      "floods_closed_total",
      "Connections closed because they sent faster than they were read.",
      "counter",
      "floodsClosed",
    ),
    perServer("send_buffered_bytes", "Bytes that wait in the sockets of clients.", "gauge", "bufferedBytes"),
    perServer("connections", "Open WebSocket connections.", "gauge", "connections"),
    perServer("connections_total", "WebSocket connections opened.", "counter", "connectionsOpened"),
    perServer("requests_total", "Requests received.", "counter", "requests"),
    perServer("requests_in_flight", "Requests without an answer yet.", "gauge", "inFlight"),
    perServer("http_requests_total", "Requests received over HTTP.", "counter", "httpRequests"),
    perServer("http_open", "Requests over HTTP without an answer yet.", "gauge", "httpOpen"),
    perServer(
      "http_aborted_total",
      "Connections over HTTP that went before their answer.",
      "counter",
      "httpAborted",
    ),
    perServer("http_body_bytes", "Bytes of unfinished bodies.", "gauge", "httpBodyBytes"),
    perServer(
      "payments_unnamed_signature_total",
      "Notifications of payments that were signed without the provider's name.",
      "counter",
      "unnamedSignatures",
    ),
    perServer("malformed_frames_total", "Frames that were not requests.", "counter", "malformed"),
    perServer(
      "slow_readers_total",
      "Connections closed because they did not read.",
      "counter",
      "slowReaders",
    ),
    perServer("received_bytes_total", "Bytes of frames received.", "counter", "bytesReceived"),
    perServer("sent_bytes_total", "Bytes of frames sent.", "counter", "bytesSent"),
    ...processMetrics(),
  ];
}
