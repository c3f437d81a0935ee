"""Agno."""

from contextlib import asynccontextmanager

from scalekit_vmcp import frameworks
from scene import Agent, play


@asynccontextmanager
async def connect(session):
    async with frameworks.agno(session) as toolkit:

        async def tools():
            return list(toolkit.functions)

        async def call(tool, arguments):
            return (await toolkit.functions[tool].entrypoint(**arguments)).content

        yield Agent(tools, call)


if __name__ == "__main__":
    play("agno", connect)
