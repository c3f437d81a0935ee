"""smolagents, which is not async."""

from asyncio import to_thread
from contextlib import asynccontextmanager

from scalekit_vmcp import frameworks
from scene import Agent, play


@asynccontextmanager
async def connect(session):
    client = await to_thread(frameworks.smolagents, session)
    try:
        held = {tool.name: tool for tool in client.get_tools()}

        async def tools():
            return list(held)

        async def call(tool, arguments):
            return await to_thread(held[tool], **arguments)

        yield Agent(tools, call)
    finally:
        await to_thread(client.disconnect)


if __name__ == "__main__":
    play("smolagents", connect)
