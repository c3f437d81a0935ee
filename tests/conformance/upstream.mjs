// The MCP server behind the engine in the conformance run: the tools that the suite calls by name.
//
// `node upstream.mjs stdio|stdio-legacy|http`; over HTTP its first line of output is its URL. `stdio-legacy` knows
// only `initialize`, the others both eras.

import { createServer } from "node:http";
import { Readable } from "node:stream";

import { createMcpHandler, Server } from "@modelcontextprotocol/server";
import { serveStdio, StdioServerTransport } from "@modelcontextprotocol/server/stdio";

const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
const WAV = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA=";

const text = (value) => ({ type: "text", text: value });
const image = { type: "image", data: PNG, mimeType: "image/png" };
const resource = (uri, mimeType, value) => ({ type: "resource", resource: { uri, mimeType, text: value } });

/** Tells progress, then answers: what the suite calls long takes no time here. */
async function withProgress({ mcpReq }) {
  const progressToken = mcpReq._meta?.progressToken;
  for (const progress of progressToken === undefined ? [] : [0, 50, 100]) {
    await mcpReq.notify({ method: "notifications/progress", params: { progressToken, progress, total: 100 } });
  }
  return [text("done")];
}

/** Logs for those who want to hear it: the SDK sends nothing where the request names no level. */
async function logging({ mcpReq }) {
  await mcpReq.log("info", "called");
  return [text("done")];
}

const NO_ARGUMENTS = { type: "object" };

/** Every keyword that a proxy could lose. */
const SCHEMA_2020_12 = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  $defs: {
    address: {
      $anchor: "addressDef",
      type: "object",
      properties: { street: { type: "string" }, city: { type: "string" } },
    },
  },
  properties: {
    name: { type: "string" },
    address: { $ref: "#/$defs/address" },
    contactMethod: { type: "string", enum: ["phone", "email"] },
    phone: { type: "string" },
    email: { type: "string" },
  },
  allOf: [{ anyOf: [{ required: ["phone"] }, { required: ["email"] }] }],
  if: { properties: { contactMethod: { const: "phone" } }, required: ["contactMethod"] },
  then: { required: ["phone"] },
  else: { required: ["email"] },
  additionalProperties: false,
};

/** An argument that modern clients repeat in a header. */
const REGION = { type: "object", properties: { region: { type: "string", "x-mcp-header": "Region" } } };

const TOOLS = {
  test_simple_text: { content: () => [text("This is a simple text response for testing.")] },
  test_image_content: { content: () => [image] },
  test_audio_content: { content: () => [{ type: "audio", data: WAV, mimeType: "audio/wav" }] },
  test_embedded_resource: {
    content: () => [resource("test://embedded-resource", "text/plain", "This is an embedded resource content.")],
  },
  test_multiple_content_types: {
    content: () => [
      text("Multiple content types test:"),
      image,
      resource("test://mixed-content-resource", "application/json", '{"test":"data","value":123}'),
    ],
  },
  test_error_handling: { content: () => [text("This tool intentionally returns an error for testing")], isError: true },
  test_tool_with_progress: { content: withProgress },
  test_logging_tool: { content: logging },
  test_region: { inputSchema: REGION, content: () => [text("done")] },
  json_schema_2020_12_tool: { inputSchema: SCHEMA_2020_12, content: () => [text("done")] },
};

function server() {
  const served = new Server({ name: "conformance-upstream", version: "1.0.0" }, { capabilities: { tools: {}, logging: {} } });
  served.setRequestHandler("tools/list", () => ({
    tools: Object.entries(TOOLS).map(([name, { inputSchema = NO_ARGUMENTS }]) => ({
      name,
      description: `Answers what the scenario of ${name} expects.`,
      inputSchema,
    })),
  }));
  served.setRequestHandler("tools/call", async ({ params }, context) => {
    const { content, isError } = TOOLS[params.name];
    return { content: await content(context), ...(isError && { isError }) };
  });
  return served;
}

function serveHttp() {
  const handler = createMcpHandler(server);
  const http = createServer(async (request, response) => {
    const { method, url, headers } = request;
    const body = method === "POST" ? { body: Readable.toWeb(request), duplex: "half" } : {};
    const gone = new AbortController();
    response.on("close", () => gone.abort());
    const signal = gone.signal;
    const answer = await handler.fetch(new Request(new URL(url, "http://127.0.0.1"), { method, headers, signal, ...body }));
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    if (answer.body) {
      Readable.fromWeb(answer.body).on("error", () => response.destroy()).pipe(response);
    } else {
      response.end();
    }
  });
  http.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${http.address().port}/mcp`));
}

const [kind] = process.argv.slice(2);
if (kind === "http") {
  serveHttp();
} else if (kind === "stdio") {
  serveStdio(server);
} else if (kind === "stdio-legacy") {
  await server().connect(new StdioServerTransport());
} else {
  throw new Error(`what kind of server? ${kind}`);
}
