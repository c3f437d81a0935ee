"""FastMCP."""

from contextlib import asynccontextmanager

from scalekit_vmcp import frameworks
from scene import Agent, play


@asynccontextmanager
async def connect(session):
    async with frameworks.fastmcp(session) as client:

        async def tools():
            return [tool.name for tool in await client.list_tools()]

        async def call(tool, arguments):
            return (await client.call_tool(tool, arguments)).content[0].text

        yield Agent(tools, call)


if __name__ == "__main__":
    play("fastmcp-slim", connect)
