"""Pydantic AI on a Virtual MCP server, from nothing to a tool's result.

Needs `pip install 'pydantic-ai-slim[mcp]'`.
"""

import asyncio
import pathlib

from pydantic_ai import Agent
from pydantic_ai.models.test import TestModel
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

        async with frameworks.pydantic_ai(session) as toolset:
            # With a model: Agent("openai:gpt-5", toolsets=[toolset]). This one calls every tool once.
            result = await Agent(TestModel(), toolsets=[toolset]).run("What is new?")
            print(result.output)


if __name__ == "__main__":
    asyncio.run(main())
