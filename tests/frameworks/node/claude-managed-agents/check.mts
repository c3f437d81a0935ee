// Claude Managed Agents: agent, credential and its update are the documented ones.
//
// https://platform.claude.com/docs/en/managed-agents/vaults

import assert from "node:assert/strict";

import { play } from "./vendor.mjs";

// What the example reads of the answers is their ids.
const ANSWERS = {
  "/v1/agents": { type: "agent", id: "agent_1" },
  "/v1/vaults": { type: "vault", id: "vlt_1" },
  "/v1/vaults/vlt_1/credentials": { type: "vault_credential", id: "vcrd_1" },
  "/v1/vaults/vlt_1/credentials/vcrd_1": { type: "vault_credential", id: "vcrd_1" },
  "/v1/sessions": { type: "session", id: "sesn_1" },
};
const TOOLSET = {
  type: "mcp_toolset",
  mcp_server_name: "scalekit",
  default_config: { permission_policy: { type: "always_allow" } },
};

await play({
  framework: "@anthropic-ai/sdk",
  answers: ANSWERS,
  settings: (url) => ({ ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: "a-key", CLAUDE_ENVIRONMENT: "env_1" }),
  read: (asked) => {
    assert.deepEqual(asked.map(({ path }) => path), Object.keys(ANSWERS));
    for (const { headers } of asked) assert.equal(headers["anthropic-beta"], "managed-agents-2026-04-01");
    const [agent, , created, updated, session] = asked.map(({ body }) => body);
    assert.equal(agent.mcp_servers.length, 1);
    const [{ url, ...server }] = agent.mcp_servers;
    assert.deepEqual(server, { type: "url", name: "scalekit" });
    assert.deepEqual(agent.tools, [TOOLSET]);
    const { token } = created.auth;
    assert.deepEqual(created, { auth: { type: "static_bearer", token, mcp_server_url: url } });
    // The URL of a credential cannot change.
    assert.deepEqual(updated, { auth: { type: "static_bearer", token } });
    assert.deepEqual([session.agent, session.vault_ids], ["agent_1", ["vlt_1"]]);
    return { url, token };
  },
  prints: "sesn_1\n",
});
