"""One function per agent framework: a session in, what the framework wants out.

    from scalekit_vmcp import frameworks

    async with frameworks.openai_agents(session) as server:
        agent = Agent(name="Assistant", mcp_servers=[server])

Every function takes a `Session` or an `AsyncSession`, and is not awaited. A framework is imported when
its function is called; where it is missing or too old, that is an `ImportError` that says what to
install. Where a framework lets it, the token is renewed in mid-run, and a call for which none can be had any more
fails with the reason, such as a user who must authorize a connection again; `session.token()` raises the
same with the link. The other functions want to know how long the run may take, as `run`, and hand out a
token that outlives it.
"""

from scalekit_vmcp.frameworks._connecting import (
    agno,
    crewai,
    fastmcp,
    google_adk,
    langchain,
    llama_index,
    mcp,
    openai_agents,
    pydantic_ai,
    strands,
)

__all__ = [
    "agno",
    "crewai",
    "fastmcp",
    "google_adk",
    "langchain",
    "llama_index",
    "mcp",
    "openai_agents",
    "pydantic_ai",
    "strands",
]
