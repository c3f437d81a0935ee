// A Claude Managed Agent uses a virtual MCP server: one agent for all users, and a vault for each.
//
// Needs `npm install scalekit-vmcp @anthropic-ai/sdk`, ANTHROPIC_API_KEY, CLAUDE_ENVIRONMENT (where the
// agent's sessions run), and SCALEKIT_ENVIRONMENT_URL, SCALEKIT_CLIENT_ID and SCALEKIT_CLIENT_SECRET of an
// environment where `user_123` has authorized gmail.

import Anthropic from "@anthropic-ai/sdk";
import { ScalekitClient } from "scalekit-vmcp";
import { claudeManagedAgents } from "scalekit-vmcp/frameworks";

await using client = ScalekitClient.fromEnv();
const { mcp } = client.actions;
const { config } = await mcp.ensureConfig({
  name: "mail-agent",
  connectionToolMappings: [{ connectionName: "gmail", tools: ["gmail_fetch_mails"] }],
});
const session = await mcp.openSession({ config, identifier: "user_123", expirySeconds: 3600 });
const { beta } = new Anthropic();

// Once per role, and once per user: keep the ids.
const first = await claudeManagedAgents(session, { runSeconds: 1200 });
const agent = await beta.agents.create({ name: "mail-agent", model: "claude-opus-5-5", ...first.agent });
const vault = await beta.vaults.create({ display_name: session.identifier });
const credential = await beta.vaults.credentials.create(vault.id, first.create);

// Before each later run: a token that outlives it.
const later = await claudeManagedAgents(session, { runSeconds: 1200 });
await beta.vaults.credentials.update(credential.id, { vault_id: vault.id, ...later.update });

const run = await beta.sessions.create({
  agent: agent.id,
  environment_id: process.env["CLAUDE_ENVIRONMENT"] ?? "",
  vault_ids: [vault.id],
});
console.log(run.id);
