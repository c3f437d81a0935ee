"""Semantic Kernel on a Virtual MCP server, from nothing to a tool's result.

Needs `pip install 'semantic-kernel[mcp]' 'mcp<2'`.
"""

import asyncio
import pathlib

from scalekit_vmcp import LocalEngine, McpConfigConnectionToolMapping, frameworks
from semantic_kernel import Kernel

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

        async with frameworks.semantic_kernel(session) as plugin:
            kernel = Kernel()
            functions = kernel.add_plugin(plugin).functions
            print("tools:", list(functions))
            # With a model: ChatCompletionAgent(service=service, plugins=[plugin]); it does this:
            result = await kernel.invoke(functions["gmail_fetch_mails"], query="invoices")
            print(result.value[0].text)


if __name__ == "__main__":
    asyncio.run(main())
