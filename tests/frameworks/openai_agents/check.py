"""The OpenAI Agents SDK."""

from contextlib import asynccontextmanager

from scalekit_vmcp import frameworks
from scene import Agent, play


@asynccontextmanager
async def connect(session):
    async with frameworks.openai_agents(session) as server:

        async def tools():
            return [tool.name for tool in await server.list_tools()]

        async def call(tool, arguments):
            return (await server.call_tool(tool, arguments)).content[0].text

        yield Agent(tools, call)


if __name__ == "__main__":
    play("openai-agents", connect)
