"""The MCP adapter of LangChain itself."""

from contextlib import asynccontextmanager

from scalekit_vmcp import frameworks
from scene import Agent, play


@asynccontextmanager
async def connect(session):
    async with frameworks.langchain_mcp(session) as adapter:

        async def tools():
            return [tool.name for tool in await adapter.list_tools()]

        async def call(name, arguments):
            (tool,) = (one for one in await adapter.list_tools() if one.name == name)
            return str(await tool.ainvoke(arguments))

        yield Agent(tools, call)


if __name__ == "__main__":
    play("langchain", connect)
