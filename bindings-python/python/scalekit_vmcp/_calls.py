"""How an operation is called: arguments as JSON, the answer as plain values."""

from __future__ import annotations

from scalekit_vmcp._arguments import encode
from scalekit_vmcp._bridge import awaited, blocked
from scalekit_vmcp._json import read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from scalekit_vmcp._bridge import NativeClient, NativeSession


def call(native: NativeClient | NativeSession, operation: str, arguments: dict[str, Any]) -> Any:
    """Calls an operation and blocks."""
    return read(blocked(native.call, operation, encode(arguments)))


async def call_async(native: NativeClient | NativeSession, operation: str, arguments: dict[str, Any]) -> Any:
    """Calls an operation and awaits it."""
    return read(await awaited(native.call, operation, encode(arguments)))


class Calls:
    """What calls operations and blocks."""

    def __init__(self, native: NativeClient) -> None:
        self._native = native

    def _call(self, operation: str, **arguments: Any) -> Any:
        return call(self._native, operation, arguments)


class AsyncCalls:
    """What calls operations, for asyncio."""

    def __init__(self, native: NativeClient) -> None:
        self._native = native

    async def _call(self, operation: str, **arguments: Any) -> Any:
        return await call_async(self._native, operation, arguments)
