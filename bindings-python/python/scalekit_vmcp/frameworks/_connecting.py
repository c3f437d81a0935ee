"""Frameworks that connect to the MCP server themselves."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from scalekit_vmcp.common.exceptions import ScalekitException
from scalekit_vmcp.frameworks._packages import needs
from scalekit_vmcp.frameworks._tokens import checked, positive_seconds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from agents.mcp import MCPServerStreamableHttp

    from scalekit_vmcp._session import AsyncSession, Session

_ANSWER = timedelta(minutes=5)
"""How long an MCP server may take for one answer, such as the result of a tool."""


def mcp(
    session: Session | AsyncSession, *, timeout: timedelta = _ANSWER, **options: Any
) -> AbstractAsyncContextManager[Any]:
    """The official MCP client, connected inside an `async with`. It renews its token by itself.

        async with frameworks.mcp(session) as client:
            tools = await client.list_tools()
            result = await client.call_tool("gmail_fetch_mails", {"query": "invoices"})

    Args:
        session: What it acts for.
        timeout: How long one answer may take; 5 minutes if not set.
        options: Go to `mcp.Client` of version 2, or to `mcp.ClientSession` of version 1.

    Returns:
        What enters as an `mcp.Client`, or with version 1 as an `mcp.ClientSession` that is initialized.
        Where no token can be had any more, leaving it raises the `ScalekitException` that says why.

    Raises:
        ImportError: `mcp` is not installed, or too old.
    """
    checked(session)
    wait = positive_seconds("timeout", timeout)
    with needs("mcp", "1.30"):
        from mcp.client import streamable_http
    try:
        from mcp import Client
    except ImportError:
        return _client_of_version_1(session, streamable_http, timeout, options)
    transport = _transport(session, streamable_http, wait)
    return Client(transport, **{"read_timeout_seconds": wait, **options})


@asynccontextmanager
async def _client_of_version_1(
    session: Session | AsyncSession, streamable_http: Any, timeout: timedelta, options: dict[str, Any]
) -> AsyncIterator[Any]:
    from mcp import ClientSession

    async with _transport(session, streamable_http, timeout.total_seconds()) as (read, write, *_):
        async with ClientSession(read, write, **{"read_timeout_seconds": timeout, **options}) as client:
            await client.initialize()
            yield client


@asynccontextmanager
async def _transport(session: Session | AsyncSession, streamable_http: Any, wait: float) -> AsyncIterator[Any]:
    """The transport of both versions, with an HTTP client that ends with it."""
    http = streamable_http.create_mcp_http_client(auth=session.auth)
    http.timeout = type(http.timeout)(http.timeout.connect, read=wait)
    try:
        async with http, streamable_http.streamable_http_client(session.url, http_client=http) as streams:
            yield streams
    except Exception as error:
        reason = _reason(error)
        if reason is None:
            raise
        raise reason from None


def _reason(error: BaseException) -> ScalekitException | None:
    """Ours, out of the groups in which a client wraps what goes wrong in its tasks."""
    if isinstance(error, ScalekitException):
        return error
    for inner in getattr(error, "exceptions", ()):
        if reason := _reason(inner):
            return reason
    return None


def openai_agents(
    session: Session | AsyncSession, *, timeout: timedelta = _ANSWER, **options: Any
) -> MCPServerStreamableHttp:
    """An MCP server for the OpenAI Agents SDK. It renews its token by itself.

        async with frameworks.openai_agents(session) as server:
            agent = Agent(name="Assistant", mcp_servers=[server])

    Args:
        session: What it acts for.
        timeout: How long one answer may take; 5 minutes if not set.
        options: Go to `agents.mcp.MCPServerStreamableHttp`, such as `name` or `cache_tools_list`.

    Raises:
        ImportError: `openai-agents` is not installed, or too old.
    """
    checked(session)
    wait = positive_seconds("timeout", timeout)
    with needs("openai-agents", "0.24"):
        from agents.mcp import MCPServerStreamableHttp
    return MCPServerStreamableHttp(
        {"url": session.url, "auth": session.auth, "timeout": wait, "sse_read_timeout": wait},
        **{"client_session_timeout_seconds": wait, **options},
    )
