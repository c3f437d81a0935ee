// LangChain on a Virtual MCP server, from nothing to a tool's result.
//
// Needs `npm install @langchain/mcp-adapters @langchain/core @langchain/langgraph`.

import { MultiServerMCPClient } from "@langchain/mcp-adapters";
import { LocalEngine } from "scalekit-vmcp/engine";
import { langchain } from "scalekit-vmcp/frameworks";

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

const agent = new MultiServerMCPClient(langchain(session));
const tools = await agent.getTools();
console.log("tools:", tools.map(({ name }) => name));
// With a model: createAgent({ model, tools }).invoke(…); it does this:
console.log(await tools[0]?.invoke({ query: "invoices" }));
await agent.close();
