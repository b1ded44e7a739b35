/** The OpenAPI 3.1 description of the HTTP interface, made from the rows of the methods. */

import { readFileSync } from "node:fs";
import { results } from "../../actors/results.js";
import { deadlineMsMax } from "../../engine/seams/limits.js";
import { type Place, type Route, routes } from "../edge/http-routes.js";
import { methods } from "../edge/methods.js";
import { httpRefusals, problemContentType } from "../edge/problem.js";
import { componentSchemas, refOf, refTo } from "./named-shapes.js";

interface ParamSchema {
  readonly description?: string;
}

interface ObjectSchema {
  readonly title: string;
  readonly properties: Readonly<Record<string, ParamSchema>>;
  readonly required?: readonly string[];
}

export function openApiDocument(): object {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.verb.toLowerCase()]: operationOf(route) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Yifen",
      version: packageVersion(),
      description:
        "A trading engine: stock, money and orders, exactly once. An answer leaves after its record is on disk. " +
        "Amounts are decimal strings in units of their currency.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "http://127.0.0.1:8080", description: "This machine" }],
    tags: [...new Set(routes.map(tagOf))].map((name) => ({ name })),
    paths,
    components: {
      schemas: componentSchemas(),
      responses: problemResponses(),
      securitySchemes: {
        paymentSignature: {
          type: "apiKey",
          in: "header",
          name: "Yifen-Signature",
          description:
            "t=SECONDS,v2=HEX: the HMAC-SHA-256 of SECONDS, a dot, the provider's name, a dot and the body, under its secret",
        },
      },
    },
  };
}

/** Of package.json, which lies beside the sources and above the compiled code. */
export function packageVersion(): string {
  const up = import.meta.url.includes("/dist/") ? "../../../" : "../../";
  const file = new URL(`${up}package.json`, import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

function operationOf(route: Route): object {
  const { title } = schemaOf(route);
  return {
    operationId: route.method.replace(/\.(\w)/g, (_, letter: string) => letter.toUpperCase()),
    summary: title,
    description: `The method \`${route.method}\`.`,
    tags: [tagOf(route)],
    ...(route.signed ? { security: [{ paymentSignature: [] }] } : {}),
    parameters: [...paramsIn(route, "path"), ...paramsIn(route, "query"), ...headersOf(route)],
    ...(route.verb === "POST" ? { requestBody: bodyOf(route) } : {}),
    responses: {
      200: {
        description: title,
        ...headersAnswered(route),
        content: { "application/json": { schema: refOf(methods[route.method].result) } },
      },
      ...refusalsOf(route),
    },
  };
}

function tagOf({ path }: { readonly path: string }): string {
  return path.split("/")[2]!;
}

function schemaOf({ method }: Route): ObjectSchema {
  return methods[method].params as unknown as ObjectSchema;
}

function paramsIn(route: Route, place: Place): object[] {
  const { properties, required = [] } = schemaOf(route);
  return namesIn(route, place).map((name) => {
    const { description, ...schema } = properties[name]!;
    return parameter(name, place, required.includes(name), description, schema);
  });
}

function headersOf(route: Route): object[] {
  const { properties } = schemaOf(route);
  const { keyParam } = route;
  const headers: object[] = [];
  if (keyParam !== undefined) {
    const { description, ...schema } = properties[keyParam]!;
    const about = keyParam === "key" ? description! : "Stands for `ref` when the body has none";
    headers.push(parameter("Idempotency-Key", "header", keyParam === "key", about, schema));
  }
  if (route.places.get("at") === "headers") {
    const { description, ...schema } = properties.at!;
    headers.push(parameter("Yifen-At", "header", false, description!, schema));
  }
  const deadline = { type: "integer", minimum: 1, maximum: deadlineMsMax };
  headers.push(
    parameter("Yifen-Deadline-Ms", "header", false, "Refused when it has waited longer, ms", deadline),
  );
  return headers;
}

function parameter(
  name: string,
  place: string,
  required: boolean,
  description: string | undefined,
  schema: object,
): object {
  return { name, in: place, required, ...(description === undefined ? {} : { description }), schema };
}

function bodyOf(route: Route): object {
  const { properties, required = [] } = schemaOf(route);
  const names = namesIn(route, "body");
  const inBody = required.filter((name) => names.includes(name) && name !== route.keyParam);
  const schema = {
    type: "object",
    properties: Object.fromEntries(names.map((name) => [name, properties[name]])),
    ...(inBody.length > 0 ? { required: inBody } : {}),
    additionalProperties: false,
  };
  return { required: inBody.length > 0, content: { "application/json": { schema } } };
}

function namesIn({ places }: Route, place: Place): string[] {
  return [...places].filter(([, where]) => where === place).map(([name]) => name);
}

const replayedHeader = {
  "Idempotent-Replayed": {
    description: "true: the stored answer of an earlier request under the same key",
    schema: { type: "string", const: "true" },
  },
};

/** Nothing has both: what has pages has no key. */
function headersAnswered({ keyParam, places }: Route): object {
  if (keyParam !== undefined) return { headers: replayedHeader };
  return places.has("cursor") ? { headers: linkHeader } : {};
}

const linkHeader = {
  Link: { description: 'The next page, rel="next"', schema: { type: "string" } },
};

/** A refusal of any code may come where its status is. */
function problemResponses(): object {
  return Object.fromEntries(
    problemStatuses.map((status) => {
      const codes = results.filter((row) => row.status === status).map((row) => `\`${row.code}\``);
      return [
        `Problem${status}`,
        {
          description: codes.length > 0 ? codes.join(", ") : "`invalid_request`",
          ...(status === 503 ? { headers: retryAfterHeader } : {}),
          content: { [problemContentType]: { schema: refTo("Problem") } },
        },
      ];
    }),
  );
}

const retryAfterHeader = {
  "Retry-After": { description: "Seconds", schema: { type: "integer", minimum: 1 } },
};

const statusesOfHttp = Object.values(httpRefusals);
const problemStatuses = [...new Set([...results.map(({ status }) => status), ...statusesOfHttp])].sort();

function refusalsOf({ verb, signed }: Route): object {
  const statuses = problemStatuses.filter((status) => {
    if (status === httpRefusals.wrongVerb) return false;
    if (status === 401) return signed;
    return verb === "POST" || (status !== httpRefusals.tooLarge && status !== httpRefusals.wrongType);
  });
  return Object.fromEntries(
    statuses.map((status) => [status, { $ref: `#/components/responses/Problem${status}` }]),
  );
}
