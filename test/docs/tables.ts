/** The tables of the documents that are made from the code: by name, as Markdown. */

import { effectsOf, eventKinds, eventTypes } from "../../actors/events.js";
import { type OrderEvent, transitions } from "../../actors/order-transitions.js";
import { results } from "../../actors/results.js";
import { exitCodes } from "../../cli/fail.js";
import { methods as shardMethods } from "../../engine/loop/methods.js";
import { type Method, methodNames, methods } from "../../gateway/edge/methods.js";
import { environmentName, type SettingName, settingsTable, shown } from "../../gateway/host/config.js";
import type { Metric } from "../../gateway/host/metrics.js";
import { checks } from "../../persistence/audit/audit-findings.js";
import { protocolPages, readDocument } from "./document.js";

/** What typebox gives, as far as it is looked at here. */
interface Field {
  readonly type?: string;
  readonly description?: string;
  readonly pattern?: string;
  readonly format?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly items?: Field;
  readonly anyOf?: readonly Field[];
  readonly propertyNames?: Field;
  readonly additionalProperties?: Field | false;
  readonly maxProperties?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Field>>;
}

export function codesTable(): string {
  const rows = results.map(({ code, status, retryable, stored, meaning }) => [
    mark(code),
    String(status),
    retryable ? "yes" : "",
    stored ? "yes" : "",
    meaning,
  ]);
  return table(["code", "status", "retryable", "stored", "meaning"], rows);
}

/** Empty when the method has no params. */
export function paramsTable(method: Method): string {
  const schema = methods[method].params as Field;
  const rows = Object.entries(schema.properties!).map(([name, field]) => [
    mark(name),
    typeOf(field),
    schema.required?.includes(name) ? "required" : "",
    field.description ?? "",
  ]);
  return rows.length === 0 ? "" : table(["param", "type", "", "meaning"], rows);
}

/** For each method the page that has its section, as it is named from `docs`. */
function sectionPages(): Map<string, string> {
  const pages = protocolPages().map((page) => [page, readDocument(page)] as const);
  return new Map(
    pages.flatMap(([page, markdown]) =>
      [...markdown.matchAll(/^#+ `(\S+)`$/gm)].map(
        ([, method]) => [method!, page.replace(/^docs\/(PROTOCOL\.md)?/, "")] as const,
      ),
    ),
  );
}

/** Every method with the way to its section, whose it is, and what becomes of it when there is too much to do or too little room. */
export function methodsTable(): string {
  const pages = sectionPages();
  const rows = methodNames.map((name) => {
    const { params, http, roles } = methods[name];
    return [
      `[${mark(name)}](${pages.get(name)}#${name.replace(".", "")})`,
      (params as { readonly title?: string }).title ?? "",
      http ? mark(`${http.verb} ${http.path}`) : "",
      roles.length === everybody ? "everybody" : roles.join(", "),
      underLoad(name),
    ];
  });
  return table(["method", "what it does", "HTTP", "whose", "under load"], rows);
}

const everybody = methods["session.ping"].roles.length;

function underLoad(name: Method): string {
  if (name === "session.ping") return "answered at the edge";
  const { lane, grows } = shardMethods[name];
  return lane === "urgent" ? "goes first" : grows ? "refused on a nearly full disk" : "";
}

/** How each event comes about: a method, or what happens by itself. */
const causes: { readonly [E in OrderEvent]: string } = {
  place: "`order.place`",
  place_paid: '`order.place` with `pay: "balance"`, or with a total of zero',
  pay: "`order.pay`, or `payment.notify` of all that is due",
  cancel: "`order.cancel`",
  expire: "the time to pay has passed",
  reinstate: "its money came late, and all of it could be taken once more (a setting)",
  pack: "`order.advance`",
  ship: "`order.advance` with `tracking`",
  dispatch: "`order.advance`",
  deliver: "`order.advance`",
  confirm: "`order.advance`",
  auto_confirm: "7 days after it was shipped (a setting)",
  refund: "`order.refund`",
  refund_all_done: "its last refund has ended, and all of its money went back",
  refund_ended: "its last refund has ended, and some of its money is left",
  dispute: "`order.advance`",
  resolve_refund: '`order.advance` of `resolve` with `resolution: "refund"`',
  resolve_keep: '`order.advance` of `resolve` with `resolution: "keep"`',
};

/** The order's life, a row for each event and where it leads. */
export function movesTable(): string {
  const rows = new Map<string, { event: OrderEvent; to: string; from: string[] }>();
  for (const { from, event, to } of transitions) {
    const row = rows.get(`${event} ${to}`) ?? { event, to, from: [] };
    if (from !== "None") row.from.push(from);
    rows.set(`${event} ${to}`, row);
  }
  return table(
    ["from", "event", "how it comes", "to"],
    [...rows.values()].map(({ from, event, to }) => [from.join(", "), mark(event), causes[event], to]),
  );
}

export function eventsTable(): string {
  const rows = eventTypes.map((type) => {
    const { subject, data, about } = eventKinds[type];
    const topic = subject === "shard" ? "" : mark(`${subject}:ID`);
    return [mark(type), topic, mark(data), effectsOf(type).map(mark).join(", "), about];
  });
  return table(["event", "topic", "data", "effects", "meaning"], rows);
}

export function metricsTable(metrics: readonly Metric[]): string {
  const rows = metrics.map(({ name, help, type, read }) => {
    const value = read();
    const labels = typeof value === "number" ? [] : Object.keys(value[0]?.labels ?? {});
    return [mark(name), type, labels.map(mark).join(", "), help];
  });
  return table(["metric", "type", "labels", "meaning"], rows);
}

export function settingsRows(): string {
  const rows = (Object.keys(settingsTable) as SettingName[]).map((name) => {
    const { flag, value, fallback, about, wanted } = settingsTable[name];
    return [
      mark(`${flag} ${value}`),
      mark(environmentName(name)),
      mark(name),
      shown(name, fallback),
      about,
      wanted,
    ];
  });
  return table(
    ["flag", "environment", "in the file", "default", "what it is", "value"],
    rows.map((row) => row.map((cell) => cell.replaceAll("|", "\\|"))),
  );
}

export function checksTable(): string {
  return table(
    ["check", "what it proves"],
    checks.map(({ name, what }) => [mark(name), what]),
  );
}

export function exitCodeNumbers(): number[] {
  return Object.values(exitCodes);
}

function typeOf(field: Field): string {
  if (field.enum) return field.enum.map(mark).join(", ");
  if (field.anyOf) return field.anyOf.map(typeOf).join(", or ");
  if (field.propertyNames && field.additionalProperties)
    return `object of at most ${field.maxProperties}: name (${typeOf(field.propertyNames)}) to ${typeOf(field.additionalProperties)}`;
  if (field.format === "decimal-amount") return "amount";
  if (field.pattern === "^[A-Z]{3}$") return "currency";
  if (field.pattern?.startsWith("^(?:(?:account|product):")) return "topic";
  const [, charsMax] = /^\^\\P\{Cs\}\{1,([0-9]+)\}\$$/.exec(field.pattern ?? "") ?? [];
  if (charsMax) return `text, 1..${charsMax} characters`;
  if (field.pattern === "^[A-Za-z0-9._-]{1,32}$") return "provider";
  if (field.pattern) return "id";
  if (field.items) {
    const { properties = {} } = field.items;
    const shape = Object.entries(properties).map(([name, each]) => `${name}: ${typeOf(each)}`);
    return `array of ${number(field.minItems)}..${number(field.maxItems)} {${shape.join(", ")}}`;
  }
  if (field.type === "integer") return `integer ${number(field.minimum)}..${number(field.maximum)}`;
  if (field.type === "string")
    return `text, ${number(field.minLength)}..${number(field.maxLength)} characters`;
  return field.type ?? "";
}

export function number(value: number | undefined): string {
  return (value ?? 0).toLocaleString("en");
}

function mark(text: string): string {
  return `\`${text}\``;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`.replaceAll("|  |", "| |");
  return [line(head), `|${head.map(() => "---|").join("")}`, ...rows.map(line)].join("\n");
}
