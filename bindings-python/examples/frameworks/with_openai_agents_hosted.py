"""An agent of the OpenAI Agents SDK uses a virtual MCP server: OpenAI connects to it, not this program.

Needs `pip install scalekit-vmcp openai-agents`, OPENAI_API_KEY, and SCALEKIT_ENVIRONMENT_URL, SCALEKIT_CLIENT_ID
and SCALEKIT_CLIENT_SECRET of an environment where `user_123` has authorized gmail.
"""

import asyncio
from datetime import timedelta

from agents import Agent, Runner
from scalekit_vmcp import AsyncScalekitClient, McpConfigConnectionToolMapping, frameworks

TOOLS = [McpConfigConnectionToolMapping(connection_name="gmail", tools=["gmail_fetch_mails"])]


async def main() -> None:
    async with AsyncScalekitClient.from_env() as client:
        mcp = client.actions.mcp
        config = (await mcp.ensure_config("mail-agent", connection_tool_mappings=TOOLS)).config
        session = await mcp.open_session(config, identifier="user_123", expiry=timedelta(hours=1))

        agent = Agent(
            name="mail-agent",
            model="gpt-5",
            tools=[frameworks.openai_agents_hosted(session, run=timedelta(minutes=20))],
        )
        print((await Runner.run(agent, "What came in today?")).final_output)


asyncio.run(main())
