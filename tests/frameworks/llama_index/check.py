"""LlamaIndex."""

from contextlib import asynccontextmanager

from scalekit_vmcp import frameworks
from scene import Agent, play


@asynccontextmanager
async def connect(session):
    found = {tool.metadata.name: tool for tool in await frameworks.llama_index(session).to_tool_list_async()}

    async def tools():
        return list(found)

    async def call(tool, arguments):
        return str(await found[tool].acall(**arguments))

    yield Agent(tools, call)


if __name__ == "__main__":
    play("llama-index-tools-mcp", connect)
