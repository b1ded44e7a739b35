/** The AsyncAPI 3.0 description of the WebSocket, made from the rows of the methods: one request and one answer for each method, and pushes. */

import { batchMax, deadlineMsMax, requestIdCharsMax } from "../../engine/seams/limits.js";
import { type Method, methodNames, methods } from "../edge/methods.js";
import { componentSchemas, refOf, refTo } from "./named-shapes.js";
import { packageVersion } from "./openapi.js";

const channel = "#/channels/connection";

export function asyncApiDocument(): object {
  const requests = methodNames.map((method) => [`${method}.request`, requestOf(method)] as const);
  const answers = methodNames.map((method) => [`${method}.answer`, answerOf(method)] as const);
  const messages = Object.fromEntries([...requests, ...answers, ["refusal", refusal()], ["push", push()]]);
  return {
    asyncapi: "3.0.0",
    info: {
      title: "Yifen",
      version: packageVersion(),
      description:
        "A trading engine: stock, money and orders, exactly once. An answer leaves after its record is on disk. " +
        "Amounts are decimal strings in units of their currency. " +
        `A frame holds one request or an array of 1 to ${batchMax}; so do frames of answers. The subprotocol is ` +
        "yifen.json (text frames) or yifen.msgpack (binary frames), with the same shape.",
      license: { name: "Apache-2.0", url: "https://www.apache.org/licenses/LICENSE-2.0" },
    },
    defaultContentType: "application/json",
    servers: {
      local: { host: "127.0.0.1:8080", protocol: "ws", description: "This machine" },
    },
    channels: {
      connection: {
        address: "/v1/ws",
        description: "A connection. Each request is answered once; pushes come for its subscriptions.",
        messages: Object.fromEntries(
          Object.keys(messages).map((name) => [name, { $ref: `#/components/messages/${name}` }]),
        ),
      },
    },
    operations: {
      ...Object.fromEntries(methodNames.map((method) => [method, operationOf(method)])),
      push: {
        action: "send",
        summary: "Send an event of a subscription",
        channel: { $ref: channel },
        messages: [{ $ref: `${channel}/messages/push` }],
      },
    },
    components: { messages, schemas: { ...componentSchemas(), RequestId: requestId() } },
  };
}

/** From the server's side: it receives requests, and sends what follows. */
function operationOf(method: Method): object {
  return {
    action: "receive",
    summary: titleOf(method),
    channel: { $ref: channel },
    messages: [{ $ref: `${channel}/messages/${method}.request` }],
    reply: {
      channel: { $ref: channel },
      messages: [{ $ref: `${channel}/messages/${method}.answer` }, { $ref: `${channel}/messages/refusal` }],
    },
  };
}

function requestOf(method: Method): object {
  const { title, ...params } = plain(methods[method].params);
  const required = ((params.required as string[] | undefined) ?? []).length > 0 ? ["params"] : [];
  return {
    title,
    payload: {
      type: "object",
      properties: {
        id: { $ref: "#/components/schemas/RequestId" },
        method: { const: method },
        params,
        deadlineMs: {
          type: "integer",
          minimum: 1,
          maximum: deadlineMsMax,
          description: "Refused when it has waited longer",
        },
      },
      required: ["id", "method", ...required],
      additionalProperties: false,
    },
  };
}

function answerOf(method: Method): object {
  return {
    title: `${titleOf(method)}: done`,
    payload: {
      type: "object",
      properties: {
        id: { $ref: "#/components/schemas/RequestId" },
        status: { const: 200 },
        replayed: { const: true, description: "The stored answer of an earlier request under the same key" },
        result: refOf(methods[method].result),
      },
      required: ["id", "status", "result"],
    },
  };
}

function refusal(): object {
  return {
    title: "Refused",
    payload: {
      type: "object",
      properties: {
        id: { $ref: "#/components/schemas/RequestId" },
        status: { type: "integer", minimum: 400, maximum: 599, description: "HTTP's number for the same" },
        replayed: { const: true },
        error: refTo("Refusal"),
      },
      required: ["id", "status", "error"],
    },
  };
}

function push(): object {
  return {
    title: "An event of a subscription",
    payload: {
      type: "object",
      properties: {
        sub: { type: "integer", description: "The subscription" },
        seq: { type: "integer", description: "Position in the log: go on with the next one to resume" },
        type: { type: "string", description: "What happened", examples: ["order.paid"] },
        time: { type: "string", format: "date-time" },
        data: { type: "object", description: "Depends on the type" },
      },
      required: ["sub", "seq", "type", "time", "data"],
    },
  };
}

function requestId(): object {
  const text = { type: "string", minLength: 1, maxLength: requestIdCharsMax };
  return { anyOf: [{ type: "integer" }, text], description: "Echoed in the answer" };
}

function titleOf(method: Method): string {
  return (methods[method].params as unknown as { title: string }).title;
}

function plain(schema: object): Record<string, unknown> {
  return JSON.parse(JSON.stringify(schema)) as Record<string, unknown>;
}
