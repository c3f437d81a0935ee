// Anthropic's Messages API uses a virtual MCP server: Anthropic connects to it, not this program.
//
// Needs `npm install scalekit-vmcp @anthropic-ai/sdk`, ANTHROPIC_API_KEY, and SCALEKIT_ENVIRONMENT_URL,
// SCALEKIT_CLIENT_ID and SCALEKIT_CLIENT_SECRET of an environment where `user_123` has authorized gmail.

import Anthropic from "@anthropic-ai/sdk";
import { ScalekitClient } from "scalekit-vmcp";
import { anthropic } from "scalekit-vmcp/frameworks";

await using client = ScalekitClient.fromEnv();
const { mcp } = client.actions;
const { config } = await mcp.ensureConfig({
  name: "mail-agent",
  connectionToolMappings: [{ connectionName: "gmail", tools: ["gmail_fetch_mails"] }],
});
const session = await mcp.openSession({ config, identifier: "user_123", expirySeconds: 3600 });

const answer = await new Anthropic().beta.messages.create({
  model: "claude-opus-5-5",
  max_tokens: 1000,
  messages: [{ role: "user", content: "What came in today?" }],
  ...(await anthropic(session, { runSeconds: 1200 })),
});
console.log(answer.content.map((block) => (block.type === "text" ? block.text : "")).join(""));
