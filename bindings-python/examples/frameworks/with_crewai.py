"""CrewAI on a Virtual MCP server, from nothing to a tool's result.

Needs `pip install crewai`.
"""

import asyncio
import pathlib

from crewai import Agent
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

        # With a model: this agent and a Task in a Crew.
        server = frameworks.crewai(session)
        agent = Agent(role="Mail", goal="Read the user's mail", backstory="A clerk", mcps=[server])
        (tool,) = agent.get_mcp_tools(agent.mcps)
        print("tools:", [tool.name])
        print(tool.run(query="invoices"))


if __name__ == "__main__":
    asyncio.run(main())
