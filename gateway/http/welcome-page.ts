/** What somebody sees who opens the address that `yifen start` prints. */

const links: readonly (readonly [path: string, about: string])[] = [
  ["/openapi.json", "every request over HTTP, as OpenAPI"],
  ["/asyncapi.json", "every message of the WebSocket at /v1/ws, as AsyncAPI"],
  ["/readyz", "whether it takes requests"],
  ["/livez", "whether the process is there"],
  ["/metrics", "figures for Prometheus"],
];

export function welcomePage(): string {
  const items = links.map(([path, about]) => `<li><a href="${path}">${path}</a> ${about}</li>`);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Yifen</title>
<h1>Yifen</h1>
<p>This is a trading engine, and it is running. It is spoken to over WebSocket at <code>/v1/ws</code>, and over HTTP below <code>/v1</code>.</p>
<ul>
${items.join("\n")}
</ul>
</html>
`;
}
