"""LangChain and LangGraph, through langchain-mcp-adapters."""

from contextlib import asynccontextmanager

from scalekit_vmcp import frameworks
from scene import Agent, play


@asynccontextmanager
async def connect(session):
    found = {tool.name: tool for tool in await frameworks.langchain(session).get_tools()}

    async def tools():
        return list(found)

    async def call(tool, arguments):
        return str(await found[tool].ainvoke(arguments))

    yield Agent(tools, call)


if __name__ == "__main__":
    play("langchain-mcp-adapters", connect)
