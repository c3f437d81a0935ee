"""A user's way through authorization, watched to its end."""

from __future__ import annotations

from scalekit_vmcp._bridge import awaited, blocked
from scalekit_vmcp._generated import AccountChange, McpConnectionAuthState
from scalekit_vmcp._json import read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Iterator
    from typing import Any

    from scalekit_vmcp._bridge import NativeClient

_OPERATION = "wait_until_active"


class _Wait:
    """What to wait for; nothing has been sent yet."""

    __slots__ = ("_native", "_parameters")

    def __init__(self, native: NativeClient, parameters: str) -> None:
        self._native = native
        self._parameters = parameters


def _states(answer: str) -> list[McpConnectionAuthState]:
    return [McpConnectionAuthState.from_wire(state) for state in read(answer)]


class AccountWait(_Wait):
    """What `wait_until_active` answers with, blocking: iterate it for every change, or ask for `states`.

        for change in mcp.wait_until_active(config_id, "user_123"):
            if change.authentication_link:
                show(change.authentication_link)

    The iteration ends when all accounts are `ACTIVE`, and raises what `states` raises. Leaving the
    loop ends the wait. Each iteration, and each call of `states`, is a wait of its own.
    """

    __slots__ = ()

    def __iter__(self) -> Iterator[AccountChange]:
        stream = self._native.stream(_OPERATION, self._parameters)
        while (item := blocked(stream.next)) is not None:
            yield AccountChange.from_wire(read(item))

    def states(self) -> list[McpConnectionAuthState]:
        """Waits until all accounts are `ACTIVE` and gives their states.

        Raises:
            ScalekitValidationException: An argument breaks a rule, or the config has no such connection.
            ScalekitNotFoundException: There is no such config, or it was deleted meanwhile.
            ScalekitAuthorizationRequiredException: An account was disconnected meanwhile.
            ScalekitTimeoutException: The time is over.
        """
        return _states(blocked(self._native.call, _OPERATION, self._parameters))


class AsyncAccountWait(_Wait):
    """What `wait_until_active` answers with, for asyncio: iterate it for every change, or await it for the states.

        async for change in mcp.wait_until_active(config_id, "user_123"):
            if change.authentication_link:
                await show(change.authentication_link)

    The iteration ends when all accounts are `ACTIVE`, and raises what `states` raises. Leaving the
    loop or cancelling the task ends the wait. Each iteration, and each `await`, is a wait of its
    own. `states()` is the same as awaiting, as a coroutine for `asyncio.create_task`.
    """

    __slots__ = ()

    async def __aiter__(self) -> AsyncIterator[AccountChange]:
        stream = self._native.stream(_OPERATION, self._parameters)
        while (item := await awaited(stream.next)) is not None:
            yield AccountChange.from_wire(read(item))

    def __await__(self) -> Generator[Any, Any, list[McpConnectionAuthState]]:
        return self.states().__await__()

    async def states(self) -> list[McpConnectionAuthState]:
        """Waits until all accounts are `ACTIVE` and gives their states.

        Raises:
            ScalekitValidationException: An argument breaks a rule, or the config has no such connection.
            ScalekitNotFoundException: There is no such config, or it was deleted meanwhile.
            ScalekitAuthorizationRequiredException: An account was disconnected meanwhile.
            ScalekitTimeoutException: The time is over.
        """
        return _states(await awaited(self._native.call, _OPERATION, self._parameters))
