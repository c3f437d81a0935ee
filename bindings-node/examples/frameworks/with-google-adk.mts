// Google's Agent Development Kit on a Virtual MCP server, from nothing to its tools.
//
// Needs `npm install @google/adk @modelcontextprotocol/sdk`.

import { MCPToolset } from "@google/adk";
import { LocalEngine } from "scalekit-vmcp/engine";
import { googleAdk } from "scalekit-vmcp/frameworks";

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

const toolset = new MCPToolset(googleAdk(session));
// A tool is called by an agent only: new LlmAgent({ name: "mail", model, tools: [toolset] }).
for (const tool of await toolset.getTools()) console.log(`${tool.name}: ${tool.description}`);
await toolset.close();
