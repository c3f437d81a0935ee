"""LangChain's own MCP adapter on a Virtual MCP server, from nothing to a tool's result.

Needs `pip install 'langchain[mcp]'`.
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

        async with frameworks.langchain_mcp(session) as adapter:
            tools = await adapter.list_tools()
            print("tools:", [tool.name for tool in tools])
            # With a model: create_agent("openai:gpt-5", tools); it does this:
            print(await tools[0].ainvoke({"query": "invoices"}))


if __name__ == "__main__":
    asyncio.run(main())
