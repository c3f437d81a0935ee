"""OpenAI's Responses API uses a virtual MCP server: OpenAI connects to it, not this program.

Needs `pip install scalekit-vmcp openai`, OPENAI_API_KEY, and SCALEKIT_ENVIRONMENT_URL, SCALEKIT_CLIENT_ID and
SCALEKIT_CLIENT_SECRET of an environment where `user_123` has authorized gmail.
"""

from datetime import timedelta

from openai import OpenAI
from scalekit_vmcp import McpConfigConnectionToolMapping, ScalekitClient, frameworks

TOOLS = [McpConfigConnectionToolMapping(connection_name="gmail", tools=["gmail_fetch_mails"])]

with ScalekitClient.from_env() as client:
    mcp = client.actions.mcp
    config = mcp.ensure_config("mail-agent", connection_tool_mappings=TOOLS).config
    session = mcp.open_session(config, identifier="user_123", expiry=timedelta(hours=1))

    answer = OpenAI().responses.create(
        model="gpt-5",
        input="What came in today?",
        tools=[frameworks.openai(session, run=timedelta(minutes=20))],
    )
    print(answer.output_text)
