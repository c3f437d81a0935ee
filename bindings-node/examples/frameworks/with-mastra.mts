// Mastra on a Virtual MCP server, from nothing to a tool's result.
//
// Needs `npm install @mastra/core @mastra/mcp zod`.

import { noopObserve } from "@mastra/core/tools";
import { MCPClient } from "@mastra/mcp";
import { LocalEngine } from "scalekit-vmcp/engine";
import { mastra } from "scalekit-vmcp/frameworks";

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

const agent = new MCPClient(mastra(session));
const tools = await agent.listTools();
console.log("tools:", Object.keys(tools));
// With a model: new Agent({ id: "mail", name: "Mail", instructions, model, tools }); it does this:
console.log(await tools["scalekit_gmail_fetch_mails"]?.execute?.({ query: "invoices" }, { observe: noopObserve }));
await agent.disconnect();
