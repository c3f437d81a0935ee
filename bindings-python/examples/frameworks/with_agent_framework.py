"""Microsoft's Agent Framework on a Virtual MCP server, from nothing to a tool's result.

Needs `pip install agent-framework-core mcp tenacity`.
"""

import asyncio
import pathlib

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

        async with frameworks.agent_framework(session) as tool:
            print("tools:", [function.name for function in tool.functions])
            # With a model: Agent(client=client, tools=tool).run("What is new?"); it does this:
            result = await tool.functions[0].invoke(arguments={"query": "invoices"})
            print(result[0].text)


if __name__ == "__main__":
    asyncio.run(main())
