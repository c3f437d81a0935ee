// Vercel's AI SDK on a Virtual MCP server, from nothing to a tool's result.
//
// Needs `npm install ai @ai-sdk/mcp zod`.

import { createMCPClient } from "@ai-sdk/mcp";
import { LocalEngine } from "scalekit-vmcp/engine";
import { aiSdk } from "scalekit-vmcp/frameworks";

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

const agent = await createMCPClient(aiSdk(session));
const tools = await agent.tools();
console.log("tools:", Object.keys(tools));
// With a model: generateText({ model, tools, prompt: "What is new?" }); it does this:
console.log(await tools["gmail_fetch_mails"]?.execute({ query: "invoices" }));
await agent.close();
