"""The HTTP client that MCP clients are given: a session's, and one that says why it has no token."""

from __future__ import annotations

import json
from functools import cache
from http import HTTPStatus
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Protocol

from scalekit_vmcp.common.exceptions import ScalekitException

if TYPE_CHECKING:
    from scalekit_vmcp._session import AsyncSession, Session

_SERVER_ERROR = -32000


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


@cache
def _client_type(base: type[Any]) -> type[Any]:
    """A client that answers itself where there is no token.

    An exception would end the whole MCP connection, and most frameworks would show only that it
    is closed. As the answer to the one call it is shown, and the connection is good again as soon as
    the user is.
    """

    class SessionClient(base):  # type: ignore[misc]
        async def send(self, request: Any, **options: Any) -> Any:
            try:
                return await super().send(request, **options)
            except ScalekitException as error:
                return _answer(request, error)

    def _answer(request: Any, error: ScalekitException) -> Any:
        response = import_module(base.__module__.partition(".")[0]).Response
        call = json.loads(request.content or b"null")
        if not isinstance(call, dict) or "id" not in call:
            return response(HTTPStatus.UNAUTHORIZED, request=request)
        facts = {"code": _SERVER_ERROR, "message": str(error), "data": {"code": error.code}}
        return response(HTTPStatus.OK, json={"jsonrpc": "2.0", "id": call["id"], "error": facts}, request=request)

    return SessionClient
