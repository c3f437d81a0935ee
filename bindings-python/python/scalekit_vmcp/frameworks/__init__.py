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
from scalekit_vmcp.frameworks._hosted import (
    anthropic,
    claude_managed_agents,
    google_genai,
    openai,
    openai_agents_hosted,
)
from scalekit_vmcp.frameworks._shapes import (
    agent_framework,
    autogen,
    claude_agent_sdk,
    langchain_mcp,
    semantic_kernel,
    smolagents,
)

__all__ = [
    "agent_framework",
    "agno",
    "anthropic",
    "autogen",
    "claude_agent_sdk",
    "claude_managed_agents",
    "crewai",
    "fastmcp",
    "google_adk",
    "google_genai",
    "langchain",
    "langchain_mcp",
    "llama_index",
    "mcp",
    "openai",
    "openai_agents",
    "openai_agents_hosted",
    "pydantic_ai",
    "semantic_kernel",
    "smolagents",
    "strands",
]
