"""One function per agent framework: a session in, what the framework wants out.

    from scalekit_vmcp import frameworks

    async with frameworks.openai_agents(session) as server:
        agent = Agent(name="Assistant", mcp_servers=[server])

Every function takes a `Session` or an `AsyncSession`, and is not awaited. A framework is imported when
its function is called; where it is missing or too old, that is an `ImportError` that says what to
install. Where a framework has a hook for it, its token is renewed in mid-run; the other functions want
to know how long the run may take, as `run`, and hand out a token that outlives it.
"""

from scalekit_vmcp.frameworks._connecting import mcp, openai_agents
from scalekit_vmcp.frameworks._hosted import (
    anthropic,
    claude_managed_agents,
    google_genai,
    openai,
    openai_agents_hosted,
)
from scalekit_vmcp.frameworks._shapes import agent_framework, claude_agent_sdk, smolagents

__all__ = [
    "agent_framework",
    "anthropic",
    "claude_agent_sdk",
    "claude_managed_agents",
    "google_genai",
    "mcp",
    "openai",
    "openai_agents",
    "openai_agents_hosted",
    "smolagents",
]
