// The Claude Agent SDK on a Virtual MCP server.
//
// Needs `npm install @anthropic-ai/claude-agent-sdk`.

import type { Options } from "@anthropic-ai/claude-agent-sdk";
import { LocalEngine } from "scalekit-vmcp/engine";
import { claudeAgentSdk } from "scalekit-vmcp/frameworks";

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

const options: Options = {
  mcpServers: { scalekit: await claudeAgentSdk(session, { runSeconds: 1200 }) },
  allowedTools: ["mcp__scalekit__*"],
};
// With a model: for await (const message of query({ prompt: "What is new?", options }))
const report = await session.check();
console.log("tools:", report.tools.map(({ name }) => `mcp__scalekit__${name}`), "for", options.allowedTools);
