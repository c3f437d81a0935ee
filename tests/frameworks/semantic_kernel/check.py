"""Semantic Kernel."""

from contextlib import asynccontextmanager

from scalekit_vmcp import frameworks
from scene import Agent, play
from semantic_kernel import Kernel


@asynccontextmanager
async def connect(session):
    async with frameworks.semantic_kernel(session) as plugin:
        kernel = Kernel()
        functions = kernel.add_plugin(plugin)

        async def tools():
            return list(functions.functions)

        async def call(name, arguments):
            # A kernel asks the function itself when a model wants it called.
            return (await functions[name].invoke(kernel, **arguments)).value[0].text

        yield Agent(tools, call)


if __name__ == "__main__":
    play("semantic-kernel", connect)
