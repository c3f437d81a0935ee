// A client of TypeScript that does what it is told, as puppet.py does: client | client-auto | sdk.

import { createInterface } from "node:readline";

const HIM = { name: "puppet", version: "1.0.0" };

const connectors = {
  client: () => version2({}),
  "client-auto": () => version2({ versionNegotiation: { mode: "auto" } }),
  sdk: async () => {
    const { Client } = await import("@modelcontextprotocol/sdk/client/index.js");
    const { StreamableHTTPClientTransport } = await import("@modelcontextprotocol/sdk/client/streamableHttp.js");
    return [new Client(HIM), StreamableHTTPClientTransport];
  },
};

async function version2(options) {
  const { Client, StreamableHTTPClientTransport } = await import("@modelcontextprotocol/client");
  return [new Client(HIM, options), StreamableHTTPClientTransport];
}

function ofResult({ content, isError }) {
  return `${isError ? "error result" : "result"}: ${content[0].text}`;
}

function ofError(error) {
  const code = error.code === undefined ? "" : ` ${error.code}`;
  return `${error.constructor.name}${code}: ${error.message}`;
}

const lines = createInterface({ input: process.stdin });
let client;

async function obey({ url, headers, tool, arguments: given }) {
  if (url !== undefined) {
    let Transport;
    [client, Transport] = await connectors[process.argv[2]]();
    await client.connect(new Transport(new URL(url), { requestInit: { headers } }));
    return "connected";
  }
  if (tool !== undefined) return ofResult(await client.callTool({ name: tool, arguments: given }));
  await client.close().catch(() => {});
  return "closed";
}

for await (const line of lines) {
  const shown = await obey(JSON.parse(line)).catch(ofError);
  console.log(JSON.stringify({ shown }));
}
