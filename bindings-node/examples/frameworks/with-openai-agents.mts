// The OpenAI Agents SDK on a Virtual MCP server, from nothing to a tool's result.
//
// Needs `npm install @openai/agents zod`.

import { MCPServerStreamableHttp } from "@openai/agents";
import { LocalEngine } from "scalekit-vmcp/engine";
import { openaiAgents } from "scalekit-vmcp/frameworks";

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

const server = new MCPServerStreamableHttp(openaiAgents(session));
await server.connect();
console.log("tools:", (await server.listTools()).map(({ name }) => name));
// With a model: run(new Agent({ name: "Mail", mcpServers: [server] }), "What is new?"); it does this:
console.log(await server.callTool("gmail_fetch_mails", { query: "invoices" }));
await server.close();
