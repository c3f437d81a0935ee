"""Frameworks that want a shape of their own: a dict or an object that holds the URL and the credential."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from scalekit_vmcp._arguments import text
from scalekit_vmcp.frameworks._packages import needs
from scalekit_vmcp.frameworks._tokens import checked, headers, positive_seconds

if TYPE_CHECKING:
    from scalekit_vmcp._session import AsyncSession, Session

_ANSWER = timedelta(minutes=5)
"""How long an MCP server may take for one answer, such as the result of a tool."""


def claude_agent_sdk(session: Session | AsyncSession, *, run: timedelta) -> Any:
    """An MCP server for the Claude Agent SDK, under the name that you give it.

        options = ClaudeAgentOptions(
            mcp_servers={"scalekit": frameworks.claude_agent_sdk(session, run=timedelta(minutes=20))},
            allowed_tools=["mcp__scalekit__*"],
        )

    The token does not refresh: build the options for each run. Once it is over, the server's status is `failed`
    and the agent goes on without its tools.

    Args:
        session: The session of the run's user.
        run: How long the run may take. The token lives at least as long.

    Returns:
        A dict. It holds the token: keep it out of logs.

    Raises:
        ScalekitValidationException: `run` is longer than the session's tokens live.
        ScalekitAuthorizationRequiredException: An account went inactive meanwhile.
    """
    return {"type": "http", "url": session.url, "headers": headers(session, run)}
