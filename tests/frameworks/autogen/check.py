"""AutoGen."""

from contextlib import asynccontextmanager

from autogen_core.tools import StaticWorkbench
from autogen_ext.tools.mcp import mcp_server_tools
from scalekit_vmcp import frameworks
from scene import Agent, play


@asynccontextmanager
async def connect(session):
    # It is what an `AssistantAgent` puts its tools into.
    bench = StaticWorkbench(await mcp_server_tools(frameworks.autogen(session)))

    async def tools():
        return [tool["name"] for tool in await bench.list_tools()]

    async def call(tool, arguments):
        return (await bench.call_tool(tool, arguments)).to_text()

    yield Agent(tools, call)


if __name__ == "__main__":
    play("autogen-ext", connect)
