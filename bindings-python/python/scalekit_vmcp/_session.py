"""Sessions: one agent run's URL and a credential that stays valid until the run ends."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from scalekit_vmcp._arguments import named, named_async, text
from scalekit_vmcp._bridge import awaited
from scalekit_vmcp._generated import SessionReport

if TYPE_CHECKING:
    from scalekit_vmcp._bridge import NativeSession


class _Session:
    """What both kinds of session know without asking."""

    __slots__ = ("_auth", "_native")

    def __init__(self, native: NativeSession) -> None:
        self._native = native
        self._auth: Any = None

    @property
    def url(self) -> str:
        """The MCP endpoint to connect to."""
        return self._native.url

    @property
    def identifier(self) -> str:
        """The user this session acts for."""
        return self._native.identifier

    @property
    def auth(self) -> Any:
        """The hook for HTTP clients, blocking and async: `httpx2.AsyncClient(auth=session.auth)`.

        It is an `httpx.Auth` and an `httpx2.Auth`, of whichever are installed. Each request gets a
        token that is valid now; one that is refused (HTTP 401) is replaced and the request sent once
        more. A request to another server than `url` is refused with `ScalekitValidationException`.
        Where no token can be had any more the request fails with the reason, such as
        `ScalekitAuthorizationRequiredException`.

        Raises:
            ImportError: Neither `httpx` nor `httpx2` is installed.
        """
        if self._auth is None:
            from scalekit_vmcp._auth import session_auth

            self._auth = session_auth(self._native)
        return self._auth

    def __repr__(self) -> str:
        return f"{type(self).__name__}(url={self.url!r}, identifier={self.identifier!r})"


def _named_as_usual(headers: list[tuple[str, str]]) -> dict[str, str]:
    """Header names the way people write them; servers do not care."""
    return {name.title(): value for name, value in headers}


class Session(_Session):
    """One agent run, blocking. It may be used from any thread, and in a forked process."""

    __slots__ = ()

    def token(self) -> str:
        """A token that is valid now: usually the one at hand, near its end a new one.

        Raises:
            ScalekitAuthorizationRequiredException: An account went inactive meanwhile.
        """
        return self._native.token()

    def headers(self) -> dict[str, str]:
        """The headers for a request to `url`, always fresh.

        Raises:
            ScalekitAuthorizationRequiredException: An account went inactive meanwhile.
        """
        return _named_as_usual(self._native.headers())

    @named
    def authorization_for(self, url: str) -> str:
        """The credential for a request to `url`, always fresh: what a hook of an MCP client calls.

        Args:
            url: The whole URL of the request.

        Raises:
            ScalekitValidationException: The URL is one of another server.
        """
        return self._native.authorization_for(text("url", url))

    @named
    def rejected(self, credential: str) -> None:
        """Says that the server refused a credential, so that the next one is new.

        A hook calls this before it repeats a request once. A credential that has been replaced
        already causes nothing.

        Args:
            credential: The token, or the whole value that carried it.
        """
        self._native.rejected(text("credential", credential))

    def check(self) -> SessionReport:
        """Asks the MCP server for its tools, as an agent would, and reports what it would find.

        The report says which tools there are and how large they are for a model, which tools of the
        config are missing, and what may surprise, such as accounts of the user that are not active.
        No tool is called.

        Raises:
            ScalekitAuthorizationRequiredException: A new token was needed, and an account is not
                active.
            ScalekitConnectionException: The MCP server cannot be reached.
            ScalekitUnauthorizedException: It refuses the token; `code` says why: `wrong_audience`,
                `clock_skew` or `session_token_refused`.
            ScalekitForbiddenException: It forbids the session its tools.
            ScalekitNotFoundException: There is no MCP server at the URL any more.
            ScalekitInternalServerException: It answers with an error.
            ScalekitUnknownException: Something that does not speak MCP answers at the URL.
        """
        return SessionReport.from_wire(json.loads(self._native.check()))


class AsyncSession(_Session):
    """One agent run, for asyncio. It may be used from any event loop, and in a forked process."""

    __slots__ = ()

    async def token(self) -> str:
        """A token that is valid now: usually the one at hand, near its end a new one.

        Raises:
            ScalekitAuthorizationRequiredException: An account went inactive meanwhile.
        """
        token: str = await awaited(self._native.token)
        return token

    async def headers(self) -> dict[str, str]:
        """The headers for a request to `url`, always fresh.

        Raises:
            ScalekitAuthorizationRequiredException: An account went inactive meanwhile.
        """
        return _named_as_usual(await awaited(self._native.headers))

    @named_async
    async def authorization_for(self, url: str) -> str:
        """The credential for a request to `url`, always fresh: what a hook of an MCP client calls.

        Args:
            url: The whole URL of the request.

        Raises:
            ScalekitValidationException: The URL is one of another server.
        """
        credential: str = await awaited(self._native.authorization_for, text("url", url))
        return credential

    @named_async
    async def rejected(self, credential: str) -> None:
        """Says that the server refused a credential, so that the next one is new.

        A hook calls this before it repeats a request once. A credential that has been replaced
        already causes nothing.

        Args:
            credential: The token, or the whole value that carried it.
        """
        await awaited(self._native.rejected, text("credential", credential))

    async def check(self) -> SessionReport:
        """Asks the MCP server for its tools, as an agent would, and reports what it would find.

        The report says which tools there are and how large they are for a model, which tools of the
        config are missing, and what may surprise, such as accounts of the user that are not active.
        No tool is called.

        Raises:
            ScalekitAuthorizationRequiredException: A new token was needed, and an account is not
                active.
            ScalekitConnectionException: The MCP server cannot be reached.
            ScalekitUnauthorizedException: It refuses the token; `code` says why: `wrong_audience`,
                `clock_skew` or `session_token_refused`.
            ScalekitForbiddenException: It forbids the session its tools.
            ScalekitNotFoundException: There is no MCP server at the URL any more.
            ScalekitInternalServerException: It answers with an error.
            ScalekitUnknownException: Something that does not speak MCP answers at the URL.
        """
        return SessionReport.from_wire(json.loads(await awaited(self._native.check)))
