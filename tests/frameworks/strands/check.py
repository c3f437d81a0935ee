"""Strands Agents."""

from contextlib import asynccontextmanager

from scalekit_vmcp import frameworks
from scene import Agent, play


@asynccontextmanager
async def connect(session):
    with frameworks.strands(session) as client:

        async def tools():
            return [tool.tool_name for tool in client.list_tools_sync()]

        async def call(tool, arguments):
            result = await client.call_tool_async("1", tool, arguments)
            return result["content"][0]["text"]

        yield Agent(tools, call)


if __name__ == "__main__":
    play("strands-agents", connect)
