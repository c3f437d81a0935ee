"""Sessions: one agent run's URL and a credential that stays valid until the run ends."""

from __future__ import annotations

from scalekit_vmcp._arguments import named, named_async, seconds_if_given
from scalekit_vmcp._calls import call, call_async
from scalekit_vmcp._generated import SessionReport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import timedelta
    from typing import Any

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


def _named_as_usual(headers: dict[str, str]) -> dict[str, str]:
    """Header names the way people write them; servers do not care."""
    return {name.title(): value for name, value in headers.items()}


class Session(_Session):
    """One agent run, blocking. It may be used from any thread, and in a forked process."""

    __slots__ = ()

    @named
    def token(self, valid_for: timedelta | None = None) -> str:
        """A token that is valid now: usually the one at hand, near its end a new one.

        Args:
            valid_for: How long the token must live from now, for a client that cannot take a new one
                in the middle of its run: at most the `expiry` of the session. If not set, the token
                lives at least 10 seconds.

        Raises:
            ScalekitValidationException: No token of this session lives that long.
            ScalekitAuthorizationRequiredException: An account went inactive meanwhile.
        """
        asked = {"valid_for_seconds": seconds_if_given("valid_for", valid_for)}
        token: str = call(self._native, "token", asked)["token"]
        return token

    def headers(self) -> dict[str, str]:
        """The headers for a request to `url`, always fresh.

        Raises:
            ScalekitAuthorizationRequiredException: An account went inactive meanwhile.
        """
        return _named_as_usual(call(self._native, "headers", {}))

    @named
    def authorization_for(self, url: str) -> str:
        """The credential for a request to `url`, always fresh: what a hook of an MCP client calls.

        Args:
            url: The whole URL of the request.

        Raises:
            ScalekitValidationException: The URL is one of another server.
        """
        credential: str = call(self._native, "authorization_for", {"url": url})
        return credential

    @named
    def rejected(self, credential: str) -> None:
        """Says that the server refused a credential, so that the next one is new.

        A hook calls this before it repeats a request once. A credential that has been replaced
        already causes nothing.

        Args:
            credential: The token, or the whole value that carried it.
        """
        call(self._native, "rejected", {"credential": credential})

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
        return SessionReport.from_wire(call(self._native, "check", {}))


class AsyncSession(_Session):
    """One agent run, for asyncio. It may be used from any event loop, and in a forked process."""

    __slots__ = ()

    @named_async
    async def token(self, valid_for: timedelta | None = None) -> str:
        """A token that is valid now: usually the one at hand, near its end a new one.

        Args:
            valid_for: How long the token must live from now, for a client that cannot take a new one
                in the middle of its run: at most the `expiry` of the session. If not set, the token
                lives at least 10 seconds.

        Raises:
            ScalekitValidationException: No token of this session lives that long.
            ScalekitAuthorizationRequiredException: An account went inactive meanwhile.
        """
        asked = {"valid_for_seconds": seconds_if_given("valid_for", valid_for)}
        token: str = (await call_async(self._native, "token", asked))["token"]
        return token

    async def headers(self) -> dict[str, str]:
        """The headers for a request to `url`, always fresh.

        Raises:
            ScalekitAuthorizationRequiredException: An account went inactive meanwhile.
        """
        return _named_as_usual(await call_async(self._native, "headers", {}))

    @named_async
    async def authorization_for(self, url: str) -> str:
        """The credential for a request to `url`, always fresh: what a hook of an MCP client calls.

        Args:
            url: The whole URL of the request.

        Raises:
            ScalekitValidationException: The URL is one of another server.
        """
        credential: str = await call_async(self._native, "authorization_for", {"url": url})
        return credential

    @named_async
    async def rejected(self, credential: str) -> None:
        """Says that the server refused a credential, so that the next one is new.

        A hook calls this before it repeats a request once. A credential that has been replaced
        already causes nothing.

        Args:
            credential: The token, or the whole value that carried it.
        """
        await call_async(self._native, "rejected", {"credential": credential})

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
        return SessionReport.from_wire(await call_async(self._native, "check", {}))
