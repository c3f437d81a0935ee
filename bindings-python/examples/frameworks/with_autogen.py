"""AutoGen on a Virtual MCP server, from nothing to a tool's result.

Needs `pip install 'autogen-ext[mcp]' 'mcp<2'`.
"""

import asyncio
import pathlib

from autogen_core import CancellationToken
from autogen_ext.tools.mcp import mcp_server_tools
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

        tools = await mcp_server_tools(frameworks.autogen(session))
        print("tools:", [tool.name for tool in tools])
        # With a model: AssistantAgent("mail", model_client, tools=tools).run(task="What is new?"); it does this:
        result = await tools[0].run_json({"query": "invoices"}, CancellationToken())
        print(tools[0].return_value_as_string(result))


if __name__ == "__main__":
    asyncio.run(main())
