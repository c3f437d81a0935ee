// LlamaIndex on a Virtual MCP server, from nothing to a tool's result.
//
// Needs `npm install @llamaindex/tools @llamaindex/core @llamaindex/env`.

import { mcp } from "@llamaindex/tools";
import { LocalEngine } from "scalekit-vmcp/engine";
import { llamaIndex } from "scalekit-vmcp/frameworks";

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

const server = mcp(llamaIndex(session));
const tools = await server.tools();
console.log("tools:", tools.map(({ metadata }) => metadata.name));
// With a model: agent({ llm, tools }); it does this:
console.log(await tools[0]?.call({ query: "invoices" }));
await server.cleanup();
