// The official MCP client, version 1, on a Virtual MCP server, from nothing to a tool's result.
//
// Needs `npm install @modelcontextprotocol/sdk`.

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { CallToolResultSchema } from "@modelcontextprotocol/sdk/types.js";
import { LocalEngine } from "scalekit-vmcp/engine";
import { mcp } from "scalekit-vmcp/frameworks";

const GMAIL = `
[connections.gmail]
sandbox = "gmail.json"
auth = "none"
`;

// A server on this machine; with an environment of your own: ScalekitClient.fromEnv().
await using engine = await LocalEngine.start({ configToml: GMAIL, configFolder: import.meta.dirname });
await using client = engine.client();
const config = await client.actions.mcp.createConfig({ name: "mail-agent", connectionToolMappings: [{ connectionName: "gmail" }] });
const session = await client.actions.mcp.openSession({ config, identifier: "user_123" });

const agent = new Client({ name: "agent", version: "1.0.0" });
await agent.connect(new StreamableHTTPClientTransport(...mcp(session)));
console.log("tools:", (await agent.listTools()).tools.map(({ name }) => name));
// Here your model chooses a tool and its arguments.
const result = CallToolResultSchema.parse(await agent.callTool({ name: "gmail_fetch_mails", arguments: { query: "invoices" } }));
for (const block of result.content) if (block.type === "text") console.log(block.text);
await agent.close();
