"""smolagents, which is not async."""

from asyncio import to_thread
from contextlib import asynccontextmanager

from scalekit_vmcp import ScalekitAuthorizationRequiredException, frameworks
from scene import Agent, play, scene


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


def who_is_not_connected_is_told_so():
    """Where the client alone would hang for half a minute, and then not say why."""
    with scene() as here:
        session = here.session("gone")
        here.let_tokens_expire()
        frameworks.smolagents(session).disconnect()
        here.engine.set_account_status("gmail", "gone", "DISCONNECTED")
        here.let_tokens_expire()
        try:
            frameworks.smolagents(session)
        except ScalekitAuthorizationRequiredException as error:
            assert [one.connection_name for one in error.connections] == ["gmail"]
        else:
            raise AssertionError("it connected")


if __name__ == "__main__":
    who_is_not_connected_is_told_so()
    play("smolagents", connect)
