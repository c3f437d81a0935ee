"""The Claude Agent SDK on a Virtual MCP server, from nothing to a tool's result.

Needs `pip install claude-agent-sdk`.
"""

import asyncio
import pathlib
from datetime import timedelta

from claude_agent_sdk import ClaudeAgentOptions
from scalekit_vmcp import LocalEngine, McpConfigConnectionToolMapping, frameworks

GMAIL = """
[connections.gmail]
sandbox = "gmail.json"
auth = "none"
"""


async def main() -> None:
    # A server on this machine; with an environment of your own: AsyncScalekitClient.from_env().
    folder = pathlib.Path(__file__).parents[1]
    async with LocalEngine.start(config_toml=GMAIL, config_folder=folder) as engine, engine.async_client() as client:
        gmail = McpConfigConnectionToolMapping(connection_name="gmail")
        created = await client.actions.mcp.create_config("mail-agent", connection_tool_mappings=[gmail])
        session = await client.actions.mcp.open_session(created.config, identifier="user_123")

        options = ClaudeAgentOptions(
            mcp_servers={"scalekit": frameworks.claude_agent_sdk(session, run=timedelta(minutes=20))},
            allowed_tools=["mcp__scalekit__*"],
        )
        # With a model: async for message in query(prompt="What is new?", options=options)
        report = await session.check()
        print("tools:", [f"mcp__scalekit__{tool.name}" for tool in report.tools], "for", options.allowed_tools)


if __name__ == "__main__":
    asyncio.run(main())
