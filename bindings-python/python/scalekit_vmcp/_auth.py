"""What lets an HTTP client send a session's token and renew it: the hook of most MCP clients."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from scalekit_vmcp._bridge import NativeSession
from scalekit_vmcp._session import AsyncSession, Session

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

_HEADER = NativeSession.CREDENTIAL_HEADER


class _Flows:
    """Sends the token at hand, and after a refusal once more with a new one."""

    def __init__(self, native: NativeSession) -> None:
        # A blocking client may use an async session, and the other way round.
        self._blocking = Session(native)
        self._awaited = AsyncSession(native)

    def sync_auth_flow(self, request: Any) -> Generator[Any, Any, None]:
        url = str(request.url)
        credential = self._blocking.authorization_for(url)
        request.headers[_HEADER] = credential
        response = yield request
        if response.status_code == NativeSession.REFUSED_STATUS:
            self._blocking.rejected(credential)
            request.headers[_HEADER] = self._blocking.authorization_for(url)
            yield request

    async def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]:
        url = str(request.url)
        credential = await self._awaited.authorization_for(url)
        request.headers[_HEADER] = credential
        response = yield request
        if response.status_code == NativeSession.REFUSED_STATUS:
            await self._awaited.rejected(credential)
            request.headers[_HEADER] = await self._awaited.authorization_for(url)
            yield request

    def __repr__(self) -> str:
        return f"SessionAuth(url={self._blocking.url!r}, identifier={self._blocking.identifier!r})"


def session_auth(native: NativeSession) -> Any:
    """The hook of a session."""
    return _session_auth_type()(native)


@cache
def _session_auth_type() -> type[Any]:
    """A subclass of what each installed client takes for a hook: they check it by its type."""
    bases: list[type[Any]] = []
    for client in ("httpx", "httpx2"):
        try:
            bases.append(import_module(client).Auth)
        except ImportError:
            continue
    if not bases:
        raise ImportError(
            "`session.auth` is for clients of `httpx` and `httpx2`, and neither is installed; "
            "MCP clients bring one along: run `pip install mcp`"
        )
    return type("SessionAuth", (_Flows, *bases), {"__module__": __name__})
