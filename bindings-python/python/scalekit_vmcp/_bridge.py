"""The only door to the native half."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scalekit_vmcp import _native
from scalekit_vmcp._native import Client as NativeClient
from scalekit_vmcp._native import Session as NativeSession
from scalekit_vmcp._native import Stream as NativeStream
from scalekit_vmcp._native import explain

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Callable

__all__ = ["NativeClient", "NativeSession", "NativeStream", "awaited", "engine_parts", "explain", "settle"]


async def awaited(method: Callable[..., Any], *arguments: Any) -> Any:
    """Starts a native call and awaits its outcome. Who stops awaiting drops the call."""
    from asyncio import get_running_loop

    future = get_running_loop().create_future()
    task = method(*arguments, future=future)
    try:
        return await future
    finally:
        task.cancel()


def settle(future: Future[Any], value: Any, error: BaseException | None) -> None:
    """Ends a wait; called in the thread of its event loop."""
    if future.done():
        return
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
