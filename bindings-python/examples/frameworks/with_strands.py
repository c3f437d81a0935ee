"""Strands Agents on a Virtual MCP server, from nothing to a tool's result.

Needs `pip install strands-agents`.
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

        with frameworks.strands(session) as provider:
            print("tools:", [tool.tool_name for tool in provider.list_tools_sync()])
            # With a model: Agent(tools=[frameworks.strands(session)]), which connects by itself; it does this:
            result = await provider.call_tool_async("1", "gmail_fetch_mails", {"query": "invoices"})
            print(result["content"][0]["text"])


if __name__ == "__main__":
    asyncio.run(main())
