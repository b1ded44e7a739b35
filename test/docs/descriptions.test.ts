import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv } from "ajv";
import { expect, test } from "vitest";
import { asyncApiDocument } from "../../gateway/describe/asyncapi.js";
import { openApiDocument } from "../../gateway/describe/openapi.js";
import { routes, webSocketOnly } from "../../gateway/edge/http-routes.js";
import { methodNames, methods } from "../../gateway/edge/methods.js";
import { documentAt } from "../../gateway/http/http-documents.js";
import { projectFile } from "./document.js";

interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

interface Operation {
  readonly operationId: string;
  readonly description: string;
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly required: boolean }[];
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: { readonly properties: object } }>>;
  };
}

const openApi = JSON.parse(JSON.stringify(openApiDocument())) as OpenApi;
const asyncApi = JSON.parse(JSON.stringify(asyncApiDocument())) as {
  readonly operations: Readonly<Record<string, unknown>>;
};

test("what is written for the package is what is served", () => {
  const folder = mkdtempSync(join(tmpdir(), "yifen-descriptions-"));
  const script = fileURLToPath(projectFile("dist/gateway/describe/write-descriptions.js"));
  execFileSync(process.execPath, [script, folder]);
  for (const path of ["openapi.json", "asyncapi.json"]) {
    const written = readFileSync(join(folder, path), "utf8");
    expect(JSON.parse(written), path).toEqual(JSON.parse(documentAt(`/${path}`)!.body));
  }
  rmSync(folder, { recursive: true });
});

test("they are packed with the program, and lie in no repository", () => {
  const text = readFileSync(projectFile("package.json"), "utf8");
  const { files, scripts } = JSON.parse(text) as { files: string[]; scripts: Record<string, string> };
  expect(scripts.prepack).toContain("dist/gateway/describe/write-descriptions.js docs");
  expect(files).toContain("docs");
  expect(readFileSync(projectFile(".gitignore"), "utf8").split("\n")).toEqual(
    expect.arrayContaining(["docs/openapi.json", "docs/asyncapi.json"]),
  );
});

test("the description of HTTP is OpenAPI 3.1", async () => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate({ ...openApi });
  expect(errors ?? []).toEqual([]);
  expect(valid).toBe(true);
  expect(validator.version).toBe("3.1");
});

test("the description of the WebSocket is AsyncAPI 3.0", () => {
  const file = createRequire(import.meta.url).resolve("@asyncapi/specs/schemas/3.0.0.json");
  // The file holds the meta-schema of draft 7 itself.
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true, meta: false });
  const check = ajv.compile(JSON.parse(readFileSync(file, "utf8")) as object);
  check(asyncApi);
  expect(check.errors ?? []).toEqual([]);
});

test.each([
  ["OpenAPI", openApi],
  ["AsyncAPI", asyncApi],
])("every reference inside the %s document leads somewhere", (_, document) => {
  const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map((match) => match[1]!);
  expect(refs.length).toBeGreaterThan(50);
  for (const ref of new Set(refs)) {
    const found = ref
      .split("/")
      .reduce<unknown>((value, part) => (value as Record<string, unknown> | undefined)?.[part], document);
    expect(found, ref).toBeDefined();
  }
});

test("every method has one route, or needs a WebSocket", () => {
  const named = [...routes.map(({ method }) => method), ...webSocketOnly];
  expect([...named].sort()).toEqual([...methodNames].sort());
});

test("every method has an operation of the WebSocket", () => {
  expect(Object.keys(asyncApi.operations)).toEqual([...methodNames, "push"]);
});

test("every param of a method has its one place in its operation", () => {
  for (const { verb, path, method, keyParam } of routes) {
    const operation = openApi.paths[path]![verb.toLowerCase()]!;
    expect(operation.description).toContain(method);
    const body = operation.requestBody?.content["application/json"]?.schema.properties ?? {};
    const named = operation.parameters.filter(({ name }) => name !== "Yifen-Deadline-Ms");
    const places = [...Object.keys(body), ...named.map(({ name }) => inParams(name, keyParam))];
    expect(new Set(places), method).toEqual(new Set(Object.keys(methods[method].params.properties)));
    const pathParams = operation.parameters.filter((each) => each.in === "path");
    expect(pathParams.map(({ name }) => `{${name}}`)).toEqual(path.match(/\{\w+\}/g) ?? []);
    expect(pathParams.every(({ required }) => required)).toBe(true);
  }
});

function inParams(name: string, keyParam: string | undefined): string {
  if (name === "Idempotency-Key") return keyParam!;
  return name === "Yifen-At" ? "at" : name;
}
