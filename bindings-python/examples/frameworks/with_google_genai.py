"""The Gemini API uses a virtual MCP server: Google connects to it, not this program.

Needs `pip install scalekit-vmcp google-genai`, GEMINI_API_KEY, and SCALEKIT_ENVIRONMENT_URL, SCALEKIT_CLIENT_ID
and SCALEKIT_CLIENT_SECRET of an environment where `user_123` has authorized gmail.
"""

from datetime import timedelta

from google import genai
from scalekit_vmcp import McpConfigConnectionToolMapping, ScalekitClient, frameworks

TOOLS = [McpConfigConnectionToolMapping(connection_name="gmail", tools=["gmail_fetch_mails"])]

with ScalekitClient.from_env() as client, genai.Client() as gemini:
    mcp = client.actions.mcp
    config = mcp.ensure_config("mail-agent", connection_tool_mappings=TOOLS).config
    session = mcp.open_session(config, identifier="user_123", expiry=timedelta(hours=1))

    answer = gemini.models.generate_content(
        model="gemini-2.5-flash",
        contents="What came in today?",
        config={"tools": [frameworks.google_genai(session, run=timedelta(minutes=20))]},
    )
    print(answer.text)
