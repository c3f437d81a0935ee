"""Claude Managed Agents: agent, credential and update are the documented ones, and the token in both works.

https://platform.claude.com/docs/en/managed-agents/vaults
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from vendor import Vendor, prove, report, run_example, start_engine

AGENTS, VAULTS, SESSIONS = "/v1/agents", "/v1/vaults", "/v1/sessions"
CREDENTIALS, CREDENTIAL = "/v1/vaults/vlt_1/credentials", "/v1/vaults/vlt_1/credentials/vcrd_1"
# The SDK reads no more than the ids.
ANSWERS = {
    AGENTS: {"id": "agent_1", "type": "agent"},
    VAULTS: {"id": "vlt_1", "type": "vault"},
    CREDENTIALS: {"id": "vcrd_1", "type": "vault_credential"},
    CREDENTIAL: {"id": "vcrd_1", "type": "vault_credential"},
    SESSIONS: {"id": "sess_1", "type": "session"},
}

with start_engine() as engine, Vendor(ANSWERS) as vendor:
    printed = run_example(
        "claude_managed_agents", engine,
        ANTHROPIC_BASE_URL=vendor.url, ANTHROPIC_API_KEY="a-key", CLAUDE_ENVIRONMENT="env_1",
    )
    assert printed == "sess_1\n", printed
    asked = {one.path.partition("?")[0]: one for one in vendor.asked}
    assert list(asked) == [AGENTS, VAULTS, CREDENTIALS, CREDENTIAL, SESSIONS], list(asked)
    assert {one.headers["anthropic-beta"] for one in asked.values()} == {"managed-agents-2026-04-01"}

    agent = asked[AGENTS].body
    (server,) = agent["mcp_servers"]
    url = server["url"]
    assert server == {"type": "url", "name": "scalekit", "url": url}, server
    assert agent["tools"] == [
        {
            "type": "mcp_toolset",
            "mcp_server_name": "scalekit",
            "default_config": {"permission_policy": {"type": "always_allow"}},
        }
    ], agent["tools"]

    created, updated = asked[CREDENTIALS].body["auth"], asked[CREDENTIAL].body["auth"]
    token = created.pop("token")
    assert created == {"type": "static_bearer", "mcp_server_url": url}, created
    # The URL of a credential cannot change.
    assert updated == {"type": "static_bearer", "token": token}, updated
    assert asked[SESSIONS].body["vault_ids"] == ["vlt_1"], asked[SESSIONS].body
    calls, expired = prove(engine, url, token, printed)
    report("claude_managed_agents", "anthropic", how="captured", refresh="no hook", calls=calls, expired_text=expired)
