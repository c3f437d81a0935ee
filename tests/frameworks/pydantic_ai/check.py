"""Pydantic AI."""

from contextlib import asynccontextmanager

from pydantic_ai import RunContext
from pydantic_ai.models.test import TestModel
from pydantic_ai.usage import RunUsage
from scalekit_vmcp import frameworks
from scene import Agent, play


@asynccontextmanager
async def connect(session):
    async with frameworks.pydantic_ai(session) as toolset:
        context = RunContext(deps=None, model=TestModel(), usage=RunUsage())

        async def tools():
            return list(await toolset.get_tools(context))

        async def call(tool, arguments):
            return str(await toolset.call_tool(tool, arguments, context, (await toolset.get_tools(context))[tool]))

        yield Agent(tools, call)


if __name__ == "__main__":
    play("pydantic-ai-slim", connect)
