"""Google's Agent Development Kit on a Virtual MCP server, from nothing to a tool's result.

Needs `pip install 'google-adk[mcp]'`.
"""

import asyncio
import pathlib

from google.adk.agents import LlmAgent
from google.adk.agents.invocation_context import InvocationContext
from google.adk.sessions import InMemorySessionService
from google.adk.tools.tool_context import ToolContext
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

        toolset = frameworks.google_adk(session)
        agent = LlmAgent(name="mail", tools=[toolset])
        # With a model: LlmAgent(model="gemini-3-flash", ...) in a Runner, which makes this context; it does this:
        chats = InMemorySessionService()
        chat = await chats.create_session(app_name="mail", user_id="user_123")
        context = ToolContext(InvocationContext(session_service=chats, invocation_id="1", agent=agent, session=chat))
        (tool,) = await toolset.get_tools()
        print("tools:", [tool.name])
        print(await tool.run_async(args={"query": "invoices"}, tool_context=context))
        await toolset.close()


if __name__ == "__main__":
    asyncio.run(main())
