"""Microsoft's Agent Framework."""

from contextlib import asynccontextmanager

from scalekit_vmcp import frameworks
from scene import Agent, play


@asynccontextmanager
async def connect(session):
    async with frameworks.agent_framework(session) as tool:

        async def tools():
            return [function.name for function in tool.functions]

        async def call(name, arguments):
            (function,) = (one for one in tool.functions if one.name == name)
            return (await function.invoke(arguments=arguments))[0].text

        yield Agent(tools, call)


if __name__ == "__main__":
    play("agent-framework-core", connect)
