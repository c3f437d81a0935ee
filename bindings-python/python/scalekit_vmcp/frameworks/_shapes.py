"""Frameworks that want a shape of their own: a dict or an object that holds the URL and the credential."""

from __future__ import annotations

from datetime import timedelta
from math import ceil
from typing import Any

from scalekit_vmcp._arguments import text
from scalekit_vmcp._session import AsyncSession, Session
from scalekit_vmcp.frameworks._connecting import _transport as transport
from scalekit_vmcp.frameworks._packages import needs
from scalekit_vmcp.frameworks._tokens import checked, headers, positive_seconds

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


def agent_framework(
    session: Session | AsyncSession, *, name: str = "scalekit", timeout: timedelta = _ANSWER, **options: Any
) -> Any:
    """A tool of Microsoft's Agent Framework that holds the session's tools. It renews its token by itself.

        async with frameworks.agent_framework(session) as tool:
            agent = Agent(client=..., tools=tool)

    Args:
        session: What it acts for.
        name: What the framework calls the server.
        timeout: How long one answer may take, in whole seconds; 5 minutes if not set.
        options: Go to `MCPStreamableHTTPTool`, such as `allowed_tools` and `approval_mode`.

    Raises:
        ImportError: `agent-framework-core` or `mcp` is not installed, or too old.
    """
    checked(session)
    wait = ceil(positive_seconds("timeout", timeout))
    with needs("agent-framework-core", "1.20"):
        from agent_framework import MCPStreamableHTTPTool
    with needs("mcp", "2.2"):
        from mcp.client import streamable_http

    class Tool(MCPStreamableHTTPTool):
        # Its hook for headers would make each new token a new connection, and sees no refusal.
        def get_mcp_client(self) -> Any:
            return transport(session, streamable_http, wait)

    return Tool(text("name", name), session.url, **{"load_prompts": False, "request_timeout": wait, **options})


def smolagents(session: Session | AsyncSession, *, timeout: timedelta = _ANSWER, **options: Any) -> Any:
    """A client of smolagents, connected when this returns. It renews its token by itself.

        with frameworks.smolagents(session) as tools:
            agent = ToolCallingAgent(tools=tools, model=...)

    Args:
        session: What it acts for.
        timeout: How long one answer may take; 5 minutes if not set.
        options: Go to `smolagents.MCPClient`, such as `structured_output`, which is on if not set.

    Raises:
        ImportError: `smolagents` is not installed with its extra `mcp`, or `mcp` is not of version 1.
        ScalekitAuthorizationRequiredException: An account went inactive meanwhile.
        TimeoutError: The MCP server did not answer within 30 seconds, or refused.
    """
    positive_seconds("timeout", timeout)
    # Where no token can be had it would wait for half a minute, and not say why.
    Session(checked(session)._native).authorization_for(session.url)
    with needs("smolagents", "1.26", "mcp"):
        from smolagents import MCPClient
    with needs("mcp", "1.30"):
        from mcp.shared._httpx_utils import create_mcp_http_client

    # It copies what it is given, and a session cannot be copied; a function can.
    def http_client(headers: Any = None, timeout: Any = None, auth: Any = None) -> Any:
        return create_mcp_http_client(headers=headers, timeout=timeout, auth=session.auth)

    server = {"url": session.url, "transport": "streamable-http", "timeout": timeout, "sse_read_timeout": timeout}
    waits = {"client_session_timeout_seconds": timeout, **options.pop("adapter_kwargs", {})}
    return MCPClient(
        {**server, "httpx_client_factory": http_client}, waits, **{"structured_output": True, **options}
    )
