"""Anthropic's Messages API uses a virtual MCP server: Anthropic connects to it, not this program.

Needs `pip install scalekit-vmcp anthropic`, ANTHROPIC_API_KEY, and SCALEKIT_ENVIRONMENT_URL, SCALEKIT_CLIENT_ID
and SCALEKIT_CLIENT_SECRET of an environment where `user_123` has authorized gmail.
"""

from datetime import timedelta

from anthropic import Anthropic
from scalekit_vmcp import McpConfigConnectionToolMapping, ScalekitClient, frameworks

TOOLS = [McpConfigConnectionToolMapping(connection_name="gmail", tools=["gmail_fetch_mails"])]

with ScalekitClient.from_env() as client:
    mcp = client.actions.mcp
    config = mcp.ensure_config("mail-agent", connection_tool_mappings=TOOLS).config
    session = mcp.open_session(config, identifier="user_123", expiry=timedelta(hours=1))

    answer = Anthropic().beta.messages.create(
        model="claude-opus-5-5",
        max_tokens=1000,
        messages=[{"role": "user", "content": "What came in today?"}],
        **frameworks.anthropic(session, run=timedelta(minutes=20)),
    )
    print("".join(block.text for block in answer.content if block.type == "text"))
