"""Google's Agent Development Kit."""

from contextlib import asynccontextmanager

from google.adk.agents import LlmAgent
from google.adk.agents.invocation_context import InvocationContext
from google.adk.sessions import InMemorySessionService
from google.adk.tools.tool_context import ToolContext
from scalekit_vmcp import frameworks
from scene import Agent, play


@asynccontextmanager
async def connect(session):
    toolset = frameworks.google_adk(session)
    sessions = InMemorySessionService()
    run = InvocationContext(
        session_service=sessions,
        invocation_id="run",
        agent=LlmAgent(name="mail", tools=[toolset]),
        session=await sessions.create_session(app_name="mail", user_id="user"),
    )
    context = ToolContext(run)

    async def tools():
        return [tool.name for tool in await toolset.get_tools()]

    async def call(tool, arguments):
        (found,) = (one for one in await toolset.get_tools() if one.name == tool)
        return str(await found.run_async(args=arguments, tool_context=context))

    try:
        yield Agent(tools, call)
    finally:
        await toolset.close()


if __name__ == "__main__":
    play("google-adk", connect)
