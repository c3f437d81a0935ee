// An agent of the OpenAI Agents SDK uses a virtual MCP server: OpenAI connects to it, not this program.
//
// Needs `npm install scalekit-vmcp @openai/agents zod`, OPENAI_API_KEY, and SCALEKIT_ENVIRONMENT_URL,
// SCALEKIT_CLIENT_ID and SCALEKIT_CLIENT_SECRET of an environment where `user_123` has authorized gmail.

import { Agent, hostedMcpTool, run } from "@openai/agents";
import { ScalekitClient } from "scalekit-vmcp";
import { openaiAgentsHosted } from "scalekit-vmcp/frameworks";

await using client = ScalekitClient.fromEnv();
const { mcp } = client.actions;
const { config } = await mcp.ensureConfig({
  name: "mail-agent",
  connectionToolMappings: [{ connectionName: "gmail", tools: ["gmail_fetch_mails"] }],
});
const session = await mcp.openSession({ config, identifier: "user_123", expirySeconds: 3600 });

const agent = new Agent({
  name: "mail-agent",
  model: "gpt-5",
  tools: [hostedMcpTool(await openaiAgentsHosted(session, { runSeconds: 1200 }))],
});
console.log((await run(agent, "What came in today?")).finalOutput);
