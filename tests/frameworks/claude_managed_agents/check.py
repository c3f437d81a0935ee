"""Claude Managed Agents: agent, credential and its update are the documented ones.

https://platform.claude.com/docs/en/managed-agents/vaults
"""

from vendor import play

AGENTS, VAULTS, SESSIONS = "/v1/agents", "/v1/vaults", "/v1/sessions"
CREDENTIALS = f"{VAULTS}/vlt_1/credentials"
CREDENTIAL = f"{CREDENTIALS}/vcrd_1"
# What the example reads of the answers is their ids.
ANSWERS = {
    AGENTS: {"type": "agent", "id": "agent_1"},
    VAULTS: {"type": "vault", "id": "vlt_1"},
    CREDENTIALS: {"type": "vault_credential", "id": "vcrd_1"},
    CREDENTIAL: {"type": "vault_credential", "id": "vcrd_1"},
    SESSIONS: {"type": "session", "id": "sesn_1"},
}
TOOLSET = {
    "type": "mcp_toolset",
    "mcp_server_name": "scalekit",
    "default_config": {"permission_policy": {"type": "always_allow"}},
}


def settings(url):
    return {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": "a-key", "CLAUDE_ENVIRONMENT": "env_1"}


def read(asked):
    assert [one.path for one in asked] == list(ANSWERS), [one.path for one in asked]
    assert {one.headers["anthropic-beta"] for one in asked} == {"managed-agents-2026-04-01"}
    agent, _, created, updated, session = (one.body for one in asked)
    (server,) = agent["mcp_servers"]
    url, token = server["url"], created["auth"]["token"]
    assert server == {"type": "url", "name": "scalekit", "url": url}, server
    assert agent["tools"] == [TOOLSET], agent["tools"]
    assert created == {"auth": {"type": "static_bearer", "token": token, "mcp_server_url": url}}
    # The URL of a credential cannot change.
    assert updated == {"auth": {"type": "static_bearer", "token": token}}
    assert (session["agent"], session["vault_ids"]) == ("agent_1", ["vlt_1"]), session
    return url, token


if __name__ == "__main__":
    play("anthropic", ANSWERS, settings, read, "sesn_1\n")
