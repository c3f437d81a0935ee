"""The HTTP client that MCP clients are given: a session's, and one that says why it has no token."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import cache
from http import HTTPStatus
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Protocol

from scalekit_vmcp._bridge import NativeSession
from scalekit_vmcp.common.exceptions import ScalekitException

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from scalekit_vmcp._session import AsyncSession, Session

ANSWER = timedelta(minutes=5)
"""How long an MCP server may take for one answer, such as the result of a tool."""

_SERVER_ERROR = -32000
_REFUSED = (
    "the MCP server refuses the session's token, even a new one; `session.check()` says why",
    "session_token_refused",
)


class HttpClients(Protocol):
    """Makes HTTP clients, as MCP clients want it."""

    def __call__(self, headers: Any = None, timeout: Any = None, auth: Any = None, **options: Any) -> Any: ...


def http_clients(session: Session | AsyncSession, wait: float) -> HttpClients:
    """For `httpx_client_factory`: clients of the library that the installed `mcp` uses, on this session.

    Args:
        session: Whose tokens they send.
        wait: How long one answer may take, in seconds, where the MCP client does not say it.
    """
    library = import_module("httpx" if version("mcp").startswith("1.") else "httpx2")
    client_type = _client_type(library.AsyncClient)

    def http_client(headers: Any = None, timeout: Any = None, auth: Any = None, **options: Any) -> Any:
        timeout = timeout or library.Timeout(wait)
        return client_type(**{**options, "headers": headers, "timeout": timeout, "auth": session.auth})

    return http_client


@asynccontextmanager
async def transport(session: Session | AsyncSession, wait: float) -> AsyncIterator[Any]:
    """The transport of both versions, with an HTTP client that ends with it."""
    from mcp.client.streamable_http import streamable_http_client

    async with http_clients(session, wait)() as http, streamable_http_client(session.url, http_client=http) as streams:
        yield streams


@cache
def _client_type(base: type[Any]) -> type[Any]:
    """A client that answers a call by itself where no token helps.

    An exception would end the whole MCP connection, and most frameworks would show only that it
    is closed. The answer to the one call is shown, and the connection is good again as soon as the
    user is.
    """
    response_type = import_module(base.__module__.partition(".")[0]).Response

    class SessionClient(base):  # type: ignore[misc]
        async def send(self, request: Any, **options: Any) -> Any:
            try:
                response = await super().send(request, **options)
            except ScalekitException as error:
                reason, code = str(error), error.code
                response = response_type(NativeSession.REFUSED_STATUS, request=request)
            else:
                reason, code = _REFUSED
            if response.status_code != NativeSession.REFUSED_STATUS or (call := _call_of(request)) is None:
                return response
            await response.aclose()
            refusal = {"code": _SERVER_ERROR, "message": reason, "data": {"code": code}}
            answer = {"jsonrpc": "2.0", "id": call, "error": refusal}
            return response_type(HTTPStatus.OK, json=answer, request=request)

    return SessionClient


def _call_of(request: Any) -> Any:
    """The id of the call in a request; a notification has none."""
    message = json.loads(request.content or b"null")
    return message.get("id") if isinstance(message, dict) else None
