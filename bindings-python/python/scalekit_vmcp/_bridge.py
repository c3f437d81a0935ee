"""The only door to the native half."""

from __future__ import annotations

from scalekit_vmcp import _native
from scalekit_vmcp._log import level, tell
from scalekit_vmcp._native import Client as NativeClient
from scalekit_vmcp._native import Session as NativeSession
from scalekit_vmcp._native import Stream as NativeStream
from scalekit_vmcp._native import explain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future
    from collections.abc import Callable
    from typing import Any, TypeAlias

    _Outcome: TypeAlias = tuple[Future[Any], Any, BaseException | None]

__all__ = ["NativeClient", "NativeSession", "NativeStream", "awaited", "blocked", "engine_parts", "explain", "settle"]


def _recording() -> _native.Records | None:
    """A place for what one call does, if somebody listens."""
    wanted = level()
    return None if wanted is None else _native.Records(wanted)


def blocked(method: Callable[..., Any], *arguments: Any) -> Any:
    """Waits for the outcome of a native call."""
    records = _recording()
    if records is None:
        return method(*arguments)
    try:
        return method(*arguments, records=records)
    finally:
        tell(records.take())


async def awaited(method: Callable[..., Any], *arguments: Any) -> Any:
    """Starts a native call and awaits its outcome. Who stops awaiting drops the call."""
    from asyncio import get_running_loop

    future = get_running_loop().create_future()
    records = _recording()
    task = method(*arguments, future=future, records=records)
    try:
        return await future
    finally:
        task.cancel()
        # An exception in it would keep this frame, and the frame keeps the client.
        del future
        if records is not None:
            tell(records.take())


def settle(outcomes: list[_Outcome]) -> None:
    """Wakes each event loop once; called in a thread of the native half."""
    loops: dict[AbstractEventLoop, list[_Outcome]] = {}
    for outcome in outcomes:
        loops.setdefault(outcome[0].get_loop(), []).append(outcome)
    for loop, theirs in loops.items():
        try:
            loop.call_soon_threadsafe(_end_waits, theirs)
        except RuntimeError:  # closed meanwhile: nobody is left to tell
            continue


def _end_waits(outcomes: list[_Outcome]) -> None:
    for future, value, error in outcomes:
        if future.done():
            continue
        if error is None:
            future.set_result(value)
        else:
            future.set_exception(error)


def engine_parts() -> tuple[type[_native.Engine], Callable[[list[str]], int]]:
    """The native engine and the `vmcp` command, which some builds leave out."""
    try:
        return _native.Engine, _native.run_command
    except AttributeError:
        raise ImportError("this build of `scalekit_vmcp` has no local engine") from None
