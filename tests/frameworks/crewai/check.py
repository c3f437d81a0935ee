"""CrewAI."""

from contextlib import asynccontextmanager

from crewai import Agent as CrewAgent
from scalekit_vmcp import frameworks
from scene import TOOLS, Agent, play


@asynccontextmanager
async def connect(session):
    crew = CrewAgent(role="Mail", goal="Read mail", backstory="A clerk", mcps=[frameworks.crewai(session)])
    found = {name: tool for tool in crew.get_mcp_tools(crew.mcps) for name in TOOLS if tool.name.endswith(name)}

    async def tools():
        return list(found)

    async def call(tool, arguments):
        return str(found[tool].run(**arguments))

    yield Agent(tools, call)


if __name__ == "__main__":
    play("crewai", connect, told=True)
