"""A Claude Managed Agent uses a virtual MCP server: one agent for all users, and a vault for each.

Needs `pip install scalekit-vmcp anthropic`, ANTHROPIC_API_KEY, CLAUDE_ENVIRONMENT (where the agent's sessions
run), and SCALEKIT_ENVIRONMENT_URL, SCALEKIT_CLIENT_ID and SCALEKIT_CLIENT_SECRET of an environment where
`user_123` has authorized gmail.
"""

import os
from datetime import timedelta

from anthropic import Anthropic
from scalekit_vmcp import McpConfigConnectionToolMapping, ScalekitClient, frameworks

TOOLS = [McpConfigConnectionToolMapping(connection_name="gmail", tools=["gmail_fetch_mails"])]

with ScalekitClient.from_env() as client, Anthropic() as claude:
    mcp = client.actions.mcp
    config = mcp.ensure_config("mail-agent", connection_tool_mappings=TOOLS).config
    session = mcp.open_session(config, identifier="user_123", expiry=timedelta(hours=1))
    vmcp = frameworks.claude_managed_agents(session, run=timedelta(minutes=20))

    # Once per role, and once per user: keep the ids.
    agent = claude.beta.agents.create(name="mail-agent", model="claude-opus-5-5", **vmcp["agent"])
    vault = claude.beta.vaults.create(display_name=session.identifier)
    credential = claude.beta.vaults.credentials.create(vault.id, **vmcp["create"])

    # Before each later run: a token that outlives it.
    vmcp = frameworks.claude_managed_agents(session, run=timedelta(minutes=20))
    claude.beta.vaults.credentials.update(credential.id, vault_id=vault.id, **vmcp["update"])

    run = claude.beta.sessions.create(
        agent=agent.id, environment_id=os.environ["CLAUDE_ENVIRONMENT"], vault_ids=[vault.id]
    )
    print(run.id)
